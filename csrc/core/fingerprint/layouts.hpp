#pragma once

#include <cstdint>

#include "core/fingerprint/contents.hpp"
#include "core/fingerprint/hash.hpp"
#include "core/fingerprint/moved.hpp"
#include "core/fingerprint/records.hpp"

namespace btfmmap::fingerprint {

// Hashes of the layouts of members and values, made from those of structs, unions, enums and prototypes.
class Layouts {
public:
    explicit Layouts(const Contents& contents)
        : contents_(contents), sizes_(contents.sizes), index_(contents.index) {}

    // Returns the layout of a member at its place. That of its part() must be known.
    Hash member(Member member, std::uint32_t part) const {
        if (part != 0 && !member.has_name() && is_flattened(member.type)) {
            return moved(contents_.of(part, &Contents::definitions).layout, member.bit_offset);
        }
        std::uint64_t bits = member.bitfield_size;
        if (bits == 0) {
            bits = size_in_bits(member.type);
            if (contents_.uses_int_bits) {
                read_int_bits(member, bits);
            }
        }
        const Hash inner = part != 0 ? value_of_resolved(part) : kPlain;
        return moved(element_hash(member.name, bits, inner), member.bit_offset);
    }

    // Returns the struct or union whose layout is part of that of a member; void if there is none.
    std::uint32_t part(std::uint32_t type_id, bool has_name) const {
        const std::uint32_t element = sizes_.element(type_id);
        if (is_unnamed_composite(element)) {
            return element;
        }
        return !has_name && is_flattened(type_id) ? sizes_.resolved(type_id) : 0;
    }

    // Returns the layout of a value of a type: of a typedef, that of what it names.
    Hash value(std::uint32_t type_id) const {
        const std::uint32_t resolved = sizes_.resolved(type_id);
        if (resolved >= index_.end_id()) {
            return kAbsent;
        }
        if (index_.kind_of(resolved) != Kind::Array) {
            return value_of_resolved(resolved);
        }
        const std::uint32_t element = sizes_.element(resolved);
        const bool is_cycle = element >= index_.end_id() || index_.kind_of(element) == Kind::Array;
        return Hasher(Tag::array_layout)
            .add(size_in_bits(resolved))
            .add(is_cycle ? kAbsent : value_of_resolved(element))
            .finish();
    }

    // Returns a type's kind and size as one word.
    std::uint64_t kind_and_size(std::uint32_t type_id) const {
        const std::uint32_t resolved = sizes_.resolved(type_id);
        const Kind kind = resolved < index_.end_id() ? index_.kind_of(resolved) : Kind::Void;
        return size_in_bits(type_id) << 8 | class_of(kind);
    }

private:
    static constexpr Hash kPlain = Hasher(Tag::plain_member).finish();

    // Returns the layout of a type that is neither an array nor a modifier or typedef.
    [[gnu::noinline]] Hash value_of_resolved(std::uint32_t type_id) const {
        const Kind kind = index_.kind_of(type_id);
        if (is_composite(kind)) {
            return Hasher(Tag::composite_layout)
                .add(class_of(kind))
                .add(size_in_bits(type_id))
                .add(contents_.of(type_id, &Contents::definitions).layout)
                .finish();
        }
        if (is_enum(kind) || kind == Kind::FuncProto) {
            return contents_.of(type_id, &Contents::definitions).layout;
        }
        return Hasher(Tag::value_layout).add(kind_and_size(type_id)).finish();
    }

    bool is_unnamed_composite(std::uint32_t type_id) const {
        return type_id < index_.end_id() &&
               (contents_.of(type_id, &Contents::traits) & Contents::kUnnamedComposite) != 0;
    }

    // Whether the members of a member without a name are those of the struct that contains it.
    bool is_flattened(std::uint32_t type_id) const {
        const std::uint32_t resolved = sizes_.resolved(type_id);
        if (resolved >= index_.end_id() || !is_composite(index_.kind_of(resolved))) {
            return false;
        }
        const Index& index = index_.owner(resolved);
        return index.elements(resolved - index.first_id(), shape_of(Kind::Struct)) != 0;
    }

    std::uint64_t size_in_bits(std::uint32_t type_id) const {
        const std::int64_t size = sizes_.size(type_id);
        return size == Sizes::kUnknown ? UINT64_MAX : 8 * static_cast<std::uint64_t>(size);
    }

    // Reads the bits of a bitfield of an old producer: its type is an INT with fewer bits than its size.
    void read_int_bits(Member& member, std::uint64_t& bits) const {
        const std::uint32_t type_id = sizes_.resolved(member.type);
        if (type_id >= index_.end_id() || index_.kind_of(type_id) != Kind::Int) {
            return;
        }
        const Index& index = index_.owner(type_id);
        const std::uint32_t encoding = index.load(index.record(type_id - index.first_id()) + kHeadSize);
        if (int_bits(encoding) < bits) {
            bits = int_bits(encoding);
            member.bit_offset += int_bit_offset(encoding);
        }
    }

    const Contents& contents_;
    const Sizes& sizes_;
    const Index& index_;
};

// Returns the declaration of a typedef or variable of a type.
inline Hash alias_declaration(const Contents& contents, const Layouts& layouts, std::uint32_t type_id) {
    return Hasher(Tag::alias)
        .add(layouts.value(type_id))
        .add(contents.of(type_id, &Contents::spellings))
        .finish();
}

}  // namespace btfmmap::fingerprint
