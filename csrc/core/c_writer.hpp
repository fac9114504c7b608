#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/btf.hpp"
#include "core/dump_words.hpp"
#include "core/output.hpp"
#include "core/sizes.hpp"

namespace btfmmap {

// Types as C that compiles, identical to what libbpf's btf_dump writes: each after what it needs, with
// forward declarations where pointers go round, inline where it has no name, and under another name (x___2)
// where its own is taken.
class CWriter {
public:
    // All outlive the writer. Throws Error (not_supported) for a kind that only a layout section knows.
    CWriter(const Btf& btf, const Sizes& sizes, Output& output);

    // Writes a type with all that it needs and that was not written before. Throws Error: format for types
    // that hold themselves, not_supported for those nested too deeply.
    void write(std::uint32_t id);

    // Writes what declares `name` to be of a type.
    void declare(std::uint32_t id, std::string_view name);

private:
    enum class Order : std::uint8_t { fresh, open, done };
    enum class Emitted : std::uint8_t { no, open, yes };

    struct State {
        Order order = Order::fresh;
        Emitted emitted = Emitted::no;
        bool forward_declared = false;
        bool named = false;  // its name was looked up, so it may stand in other_names_
        bool referenced = false;
    };

    class Depth;

    void mark_referenced();
    DumpRecord record(std::uint32_t id) const;
    bool has_name(std::uint32_t id) const { return name_off(id) != 0; }
    std::uint32_t name_off(std::uint32_t id) const;
    std::uint32_t target(const DumpRecord& record) const;  // of its head
    std::uint32_t element_type(const DumpRecord& record, std::uint32_t number, std::size_t field) const;

    bool order(std::uint32_t id, bool through_pointer);
    void emit(std::uint32_t id, std::uint32_t container);
    void emit_reference(std::uint32_t id, std::uint32_t container);
    void emit_struct(std::uint32_t id, std::uint32_t container);

    void forward_struct(std::uint32_t id);
    void define_struct(std::uint32_t id, unsigned level);
    void define_enum(std::uint32_t id, unsigned level);
    void define_values(const DumpRecord& record, unsigned level);
    void define_forward(std::uint32_t id);
    void define_typedef(std::uint32_t id);
    void alias_missing(std::uint32_t id);
    bool is_builtin(std::uint32_t id) const;
    bool is_packed(const DumpRecord& record) const;
    void pad(std::int64_t from, std::int64_t to, std::int64_t alignment, bool in_bitfield, unsigned level);

    // A declaration's types from the outermost to what they are made of; written from the back.
    using Chain = std::vector<std::uint32_t>;
    void declare_inside(std::uint32_t id, std::string_view name, unsigned level);
    void write_chain(Chain& chain, std::string_view name, unsigned level);
    void write_array(const DumpRecord& array, Chain& chain, std::string_view name, bool after_pointer,
                     unsigned level);
    void write_prototype(const DumpRecord& proto, Chain& chain, std::string_view name, bool after_pointer,
                         unsigned level);
    void write_modifiers(Chain& chain);
    void drop_modifiers(Chain& chain) const;
    void write_name(std::string_view name, bool after_pointer);

    // How often a name was used, this use included.
    using Uses = std::unordered_map<std::string_view, std::size_t>;
    std::string_view own_name(std::uint32_t id) const;
    std::string_view string(const DumpRecord& record, std::uint32_t offset) const;
    std::string_view unique_name(std::uint32_t id, Uses& uses);
    std::string_view type_name(std::uint32_t id) { return unique_name(id, type_names_); }
    std::string_view identifier(std::uint32_t id) { return unique_name(id, identifiers_); }

    std::int64_t alignment(std::uint32_t id) const;
    void text(std::string_view text) { Pen(output_).text(text); }
    void number(std::uint64_t value) { Pen(output_).number(value); }
    void signed_number(std::int64_t value) { Pen(output_).signed_number(value); }
    void indent(unsigned level);
    void step();

    const Btf& btf_;
    const Sizes& sizes_;
    Output& output_;
    std::int64_t pointer_size_;
    std::vector<State> states_;
    std::vector<std::uint32_t> queue_;
    Uses type_names_;
    Uses identifiers_;
    std::unordered_map<std::uint32_t, std::string> other_names_;
    unsigned depth_ = 0;
    std::uint64_t steps_left_;
};

}  // namespace btfmmap
