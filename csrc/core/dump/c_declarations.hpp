#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/analysis/sizes.hpp"
#include "core/btf/btf.hpp"
#include "core/btf/record.hpp"
#include "core/dump/c_dialect.hpp"
#include "core/dump/c_layouts.hpp"
#include "core/dump/c_limits.hpp"
#include "core/dump/c_names.hpp"
#include "core/dump/c_text.hpp"
#include "core/text/output.hpp"

namespace btfmmap {

// Writes C definitions and declarations in a dialect, formatted like those of libbpf's btf_dump.
class CDeclarations {
public:
    enum class Style : std::uint8_t {
        whole,  // writes anonymous types in full
        cast,   // writes only the keyword of an anonymous type, and no qualifiers
    };

    // The names have the same dialect. All arguments must outlive this object.
    CDeclarations(const Btf& btf, const Sizes& sizes, CNames& names, CLimits& limits, Output& output,
                  CDialect dialect, Style style = Style::whole)
        : btf_(btf),
          sizes_(sizes),
          names_(names),
          limits_(limits),
          out_(limits, output),
          layouts_(btf, sizes, limits, dialect),
          dialect_(dialect),
          style_(style),
          pointer_size_(btf.pointer_size()) {}

    // Writes the definition of a type of any kind, without the semicolon. Throws Error (not_supported) for a
    // kind that C cannot express.
    void define(std::uint32_t id);
    void define_struct(std::uint32_t id, unsigned level = 0);
    void define_enum(std::uint32_t id, unsigned level = 0);
    void define_typedef(std::uint32_t id);
    // Writes "struct name" or "union name" for a STRUCT, UNION or FWD.
    void forward(std::uint32_t id);

    // Whether the compiler has a definition of a typedef or of all values of an enum.
    bool is_builtin(std::uint32_t id) const;
    // Whether C can define an enum with its size. In a standard dialect, its objects are integers otherwise.
    bool is_definable(std::uint32_t id) const { return layouts_.is_definable(record(id)); }

    // Writes the declaration of `name`, which may be empty, with a type.
    void declare(std::uint32_t id, std::string_view name, unsigned level = 0);

private:
    class Chain;

    TypeRecord record(std::uint32_t id) const { return {btf_, id}; }

    // The text of libbpf.
    void define_as_libbpf(const TypeRecord& record, unsigned level);
    bool is_packed(const TypeRecord& record) const;
    void pad(std::int64_t from, std::int64_t to, std::int64_t alignment, bool in_bitfield, unsigned level);
    void write_mode(const TypeRecord& record);

    // The layout of the BTF. Cold, so that the text of libbpf takes no longer.
    [[gnu::cold]] void define_as_laid_out(const TypeRecord& record, unsigned level);
    [[gnu::cold]] void write_member(const CLayouts::Member& member, unsigned level);
    [[gnu::cold]] void leave_out(const TypeRecord& record, const CLayouts::Member& member, unsigned level);
    [[gnu::cold]] void fill(std::int64_t from, std::int64_t to, std::int64_t unit, bool packed,
                            unsigned level);
    [[gnu::cold]] void fill_union(std::int64_t size, unsigned level);
    void write_size(const TypeRecord& record);

    void define_values(const TypeRecord& record, bool is_signed, unsigned level);
    [[gnu::cold]] bool is_bool(std::uint32_t id) const;
    [[gnu::cold]] bool is_transparent(const TypeRecord& record) const;
    [[gnu::cold]] bool is_incomplete_array(const TypeRecord& record) const;
    [[gnu::cold]] void write_number(const TypeRecord& record);
    [[gnu::cold]] void write_enum_as_integer(const TypeRecord& record);
    [[gnu::cold]] void write_instead(const TypeRecord& record, Chain& chain);
    [[gnu::cold]] void write_incomplete(const TypeRecord& record);
    // In a standard dialect, write the name of the BTF in a comment if C cannot express it.
    void write_original(std::uint32_t id) {
        if (is_standard(dialect_)) {
            comment_original(names_.own(id));
        }
    }
    void write_original_name(std::string_view name) {
        if (is_standard(dialect_)) {
            comment_original(name);
        }
    }
    [[gnu::cold]] void comment_original(std::string_view name);

    void write_chain(Chain& chain, std::string_view name, unsigned level);
    void write_array(const TypeRecord& array, Chain& chain, std::string_view name, bool after_pointer,
                     unsigned level);
    void write_prototype(const TypeRecord& proto, Chain& chain, std::string_view name, bool after_pointer,
                         unsigned level);
    void write_modifiers(Chain& chain);
    void drop_modifiers(Chain& chain) const;
    void write_name(std::string_view name, bool after_pointer);

    std::int64_t alignment(std::uint32_t id) const;

    const Btf& btf_;
    const Sizes& sizes_;
    CNames& names_;
    CLimits& limits_;
    CText out_;
    CLayouts layouts_;
    CDialect dialect_;
    Style style_;
    std::int64_t pointer_size_;
    std::vector<std::uint32_t> chains_;
};

}  // namespace btfmmap
