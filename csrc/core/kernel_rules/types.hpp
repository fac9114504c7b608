#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>

#include "core/index/index.hpp"
#include "core/kernel_rules/limits.hpp"
#include "core/names/strings.hpp"

namespace btfmmap::kernel_rules {

// The types of a BTF, as the kernel would keep them. References are validated at each use.
class Types {
public:
    // `types_start` is the type section's offset in the blob. `unread` is the number of bytes of the section
    // after the index's records, which cannot be read.
    Types(const Index& index, const Strings& strings, std::uint64_t types_start, std::uint64_t unread)
        : index_(index),
          strings_(strings),
          types_start_(types_start),
          kinds_(index.kinds()),
          offsets_(index.offsets()),
          section_(index.record(0)),
          swapped_(index.order() != kHostOrder),
          first_id_(index.first_id()),
          end_id_(kept(index)),
          may_end_at_(end_id_ + (unread + kHeadSize - 1) / kHeadSize) {}

    const Index& index() const { return index_; }
    const Strings& strings() const { return strings_; }

    // The first of the BTF's own types that has a record.
    std::uint32_t first_record_id() const { return index_.id(index_.first_record()); }
    // One past the last type that the kernel keeps. It drops types past its limit without an error.
    std::uint32_t end_id() const { return end_id_; }

    bool exists(std::uint32_t type_id) const { return type_id < end_id_; }
    // Whether nothing is known of a type, because records before it cannot be read.
    bool unknown(std::uint64_t type_id) const { return type_id >= end_id_ && type_id < may_end_at_; }

    std::uint32_t row(std::uint32_t type_id) const { return type_id - first_id_; }
    Kind kind(std::uint32_t type_id) const {
        return own(type_id) ? static_cast<Kind>(kinds_[row(type_id)]) : index_.kind_of(type_id);
    }

    // The record of one of the BTF's own types or of its bases'.
    const std::byte* record(std::uint32_t type_id) const {
        if (own(type_id)) {
            return section_ + offsets_[row(type_id)];
        }
        const Index& owner = index_.owner(type_id);
        return owner.record(type_id - owner.first_id());
    }
    // The head, and the word after it that INT, VAR, DECL_TAG and others have, of a type with a record.
    std::uint32_t word(std::uint32_t type_id, std::size_t at) const { return load(record(type_id) + at); }
    std::uint32_t info(std::uint32_t type_id) const { return word(type_id, HeadField::info); }
    std::uint32_t size_or_type(std::uint32_t type_id) const { return word(type_id, HeadField::size_or_type); }
    std::uint32_t name_off(std::uint32_t type_id) const { return word(type_id, HeadField::name_off); }
    bool flag(std::uint32_t type_id) const { return info_kind_flag(info(type_id)); }

    // The number of elements of one of the BTF's own records of a compile-time kind.
    template <Kind kind_>
    std::uint32_t elements(std::uint32_t type_id) const {
        return index_.elements(row(type_id), shape_of(kind_));
    }

    std::uint32_t load(const std::byte* at) const {
        const std::uint32_t word = Load<kHostOrder>::u32(at);
        return swapped_ ? __builtin_bswap32(word) : word;
    }

    // The offset in the blob of a word of one of the BTF's own records.
    std::uint64_t offset(const std::byte* word) const {
        return types_start_ + static_cast<std::size_t>(word - section_);
    }

private:
    bool own(std::uint32_t type_id) const { return type_id >= first_id_; }

    static std::uint32_t kept(const Index& index) {
        const std::uint32_t end = index.end_id();
        return index.first_id() == 0 && end > kMaxTypeId ? kMaxTypeId : end;
    }

    const Index& index_;
    const Strings& strings_;
    std::uint64_t types_start_;
    // The index's, for fast access to the BTF's own types.
    const std::uint8_t* kinds_;
    const std::uint32_t* offsets_;
    const std::byte* section_;
    bool swapped_;
    std::uint32_t first_id_;
    std::uint32_t end_id_;
    std::uint64_t may_end_at_;
};

// What the rules ask of kinds, as bits.
struct KindTrait {
    static constexpr std::uint8_t known = 1;            // to the kernel
    static constexpr std::uint8_t needs_resolving = 2;  // btf_type_needs_resolve
    static constexpr std::uint8_t has_no_size = 4;      // btf_type_nosize
    static constexpr std::uint8_t source_only = 8;      // btf_type_is_resolve_source_only
    static constexpr std::uint8_t modifier = 16;        // btf_type_is_modifier
    static constexpr std::uint8_t sized = 32;  // it has a size of its own, or is a pointer or an array
    static constexpr std::uint8_t pointer = 64;
    static constexpr std::uint8_t aggregate = 128;
};

constexpr std::array<std::uint8_t, kMaxKinds> kind_traits() {
    using Trait = KindTrait;
    std::array<std::uint8_t, kMaxKinds> traits{};
    const auto set = [&traits](std::uint8_t bits, std::initializer_list<Kind> kinds) {
        for (const Kind kind : kinds) {
            std::uint8_t& of = traits[static_cast<std::size_t>(kind)];
            of = static_cast<std::uint8_t>(of | bits | Trait::known);
        }
    };
    set(Trait::has_no_size, {Kind::Void, Kind::Fwd, Kind::Func, Kind::FuncProto});
    set(Trait::source_only, {Kind::Var, Kind::Datasec, Kind::DeclTag});
    set(Trait::sized, {Kind::Int, Kind::Ptr, Kind::Array, Kind::Struct, Kind::Union, Kind::Enum,
                       Kind::Datasec, Kind::Float, Kind::Enum64});
    set(Trait::modifier | Trait::needs_resolving,
        {Kind::Typedef, Kind::Volatile, Kind::Const, Kind::Restrict, Kind::TypeTag});
    set(Trait::pointer, {Kind::Ptr});
    set(Trait::aggregate, {Kind::Array, Kind::Struct, Kind::Union});
    set(Trait::needs_resolving, {Kind::Ptr, Kind::Array, Kind::Struct, Kind::Union, Kind::Func, Kind::Var,
                                 Kind::Datasec, Kind::DeclTag});
    return traits;
}

inline constexpr std::array<std::uint8_t, kMaxKinds> kKindTraits = kind_traits();

inline bool has_trait(Kind kind, std::uint8_t trait) {
    return (kKindTraits[static_cast<std::size_t>(kind)] & trait) != 0;
}

// An INT's bits begin at its first bit, and are as many as those of a type of C: btf_type_int_is_regular.
inline bool is_regular_int(std::uint32_t word) {
    const std::uint32_t bytes = bytes_of_bits(int_bits(word));
    return int_bits(word) % 8 == 0 && int_bit_offset(word) == 0 && bytes <= 16 && is_power_of_two(bytes);
}

}  // namespace btfmmap::kernel_rules
