#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/analysis/sizes.hpp"
#include "core/btf/btf.hpp"
#include "core/btf/record.hpp"
#include "core/dump/c_limits.hpp"
#include "core/dump/c_names.hpp"
#include "core/dump/c_text.hpp"
#include "core/text/output.hpp"

namespace btfmmap {

// Writes C definitions and declarations, formatted like those of libbpf's btf_dump.
class CDeclarations {
public:
    enum class Style : std::uint8_t {
        whole,  // writes anonymous types in full
        cast,   // writes only the keyword of an anonymous type, and no qualifiers
    };

    // Compilers lay out some types of libbpf's text differently from the BTF. This selects what to preserve.
    enum class Fidelity : std::uint8_t {
        // The text of libbpf.
        libbpf,
        // The layout: members are in the order of their offsets, and enums have their size and signedness.
        // Throws Error (not_supported) if members overlap, or if C has no enum of that size for the values.
        layout,
    };

    // All arguments must outlive this object.
    CDeclarations(const Btf& btf, const Sizes& sizes, CNames& names, CLimits& limits, Output& output,
                  Fidelity fidelity, Style style = Style::whole)
        : btf_(btf),
          sizes_(sizes),
          names_(names),
          limits_(limits),
          out_(limits, output),
          fidelity_(fidelity),
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

    // Writes the declaration of `name`, which may be empty, with a type.
    void declare(std::uint32_t id, std::string_view name, unsigned level = 0);

private:
    class Chain;

    TypeRecord record(std::uint32_t id) const { return {btf_, id}; }

    bool is_packed(const TypeRecord& record) const;
    bool has_bitfield_across_units(const TypeRecord& record) const;
    std::vector<std::uint32_t> order_of_members(const TypeRecord& record) const;
    void check_member(const TypeRecord& record, std::uint32_t number, std::int64_t end) const;
    void pad(std::int64_t from, std::int64_t to, std::int64_t alignment, bool in_bitfield, unsigned level);
    void define_values(const TypeRecord& record, bool is_signed, unsigned level);
    void write_mode(const TypeRecord& record);
    void write_size(const TypeRecord& record, bool is_signed);

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
    Fidelity fidelity_;
    Style style_;
    std::int64_t pointer_size_;
    std::vector<std::uint32_t> chains_;
};

}  // namespace btfmmap
