#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/btf/btf.hpp"
#include "core/text/measured_text.hpp"

namespace btfmmap {

// Spells types in C as pahole does: for people to read, not for a compiler.
//
// The text is bounded: a type that refers to itself has no end, and a prototype that takes itself twice
// doubles with each level. "..." replaces what is nested more than kMaxDepth types deep or follows the first
// kMaxText characters. Does not recurse.
class TypeSpeller {
public:
    static constexpr unsigned kMaxDepth = 64;
    static constexpr std::size_t kMaxText = 4096;

    // pahole leaves out the dimensions of arrays, and does not write functions and pointers inside one
    // another as C does. StructLayout's text is pahole's, with the dimensions of a member behind its name.
    enum class Style : bool { pahole, c };

    // Both arguments must outlive this object.
    TypeSpeller(const Btf& btf, MeasuredText& text, Style style) : btf_(btf), text_(text), style_(style) {}

    // Writes a type, such as "struct sock *".
    void type(std::uint32_t type_id);

    // Writes a function or a pointer to one. The return type is padded to `width` characters.
    void function(std::uint32_t prototype, std::string_view name, bool pointer, std::size_t width);

    // Returns a name in the BTF's strings. Its length is spent from the text.
    std::string_view name_at(std::uint32_t offset);

    // Returns the type below TYPE_TAGs.
    std::uint32_t untagged(std::uint32_t type_id) const;

private:
    // What remains to be written.
    struct Item {
        enum class Tag : std::uint8_t {
            text,
            name,
            type,          // `id`
            element_type,  // `id`, from which pointers and qualifiers do not lead to an array or a prototype
            dimension,     // `id` elements
            parameters,    // those of the prototype `id`, from number `next` on
        };
        Tag tag;
        unsigned depth = 0;
        std::uint32_t id = 0;
        std::uint32_t next = 0;
        std::string_view text = {};
    };

    static Item type_item(std::uint32_t id, unsigned depth) { return {Item::Tag::type, depth, id, 0, {}}; }
    static Item text_item(std::string_view text) { return {Item::Tag::text, 0, 0, 0, text}; }
    static Item name_item(std::string_view name) { return {Item::Tag::name, 0, 0, 0, name}; }

    // Pushes items that are to be written in this order.
    template <class... Items>
    void push(const Items&... items) {
        push_reversed(items...);
    }
    template <class... Items>
    void push_reversed(const Item& first, const Items&... rest) {
        push_reversed(rest...);
        stack_.push_back(first);
    }
    void push_reversed() {}

    // Pushes a prototype without its return type.
    void push_parameters(std::uint32_t prototype, std::string_view name, bool pointer, unsigned depth);
    void push_function(std::uint32_t prototype, std::string_view name, bool pointer, unsigned depth);
    void push_pointer(std::uint32_t target, unsigned depth, Item::Tag tag);
    void push_declarator(std::uint32_t type_id, std::string_view name, unsigned depth);
    void push_qualifiers(bool unnamed);

    void write_stack();
    void write_type(const Item& item);
    void write_next_parameter(Item parameters);

    std::size_t length() const { return text_.characters() - start_; }
    bool leads_to_declarator(std::uint32_t type_id);
    bool is_prototype(std::uint32_t type_id) const {
        return btf_.index().kind_of(type_id) == Kind::FuncProto;
    }

    const Btf& btf_;
    MeasuredText& text_;
    Style style_;
    std::size_t start_ = 0;  // number of characters that do not count towards kMaxText
    std::vector<Item> stack_;
    // Used by push_declarator().
    std::vector<Item> before_, after_;
    std::vector<std::string_view> qualifiers_;  // of what follows the name and arrays
};

// Returns "struct ", "union " or "enum " for such a kind, and an empty text for others.
std::string_view keyword_of(Kind kind);

}  // namespace btfmmap
