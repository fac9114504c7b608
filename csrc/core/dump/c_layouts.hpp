#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/analysis/sizes.hpp"
#include "core/btf/btf.hpp"
#include "core/btf/record.hpp"
#include "core/dump/c_dialect.hpp"
#include "core/dump/c_limits.hpp"

namespace btfmmap {

// Decides how structs, unions and enums are to be written so that compilers lay them out as the BTF says, and
// what C cannot express.
class CLayouts {
public:
    // All arguments must outlive this object.
    CLayouts(const Btf& btf, const Sizes& sizes, CLimits& limits, CDialect dialect)
        : btf_(btf), sizes_(sizes), limits_(limits), dialect_(dialect), pointer_size_(btf.pointer_size()) {}

    // The alignment that compilers give a type, in bytes. It depends on the target for numbers that are
    // larger than a pointer, and for floats.
    struct Alignment {
        std::int64_t lowest = 1;
        std::int64_t highest = 1;
    };

    // Why C cannot express a member. The last three are found in the standard dialects only.
    enum class Fault : std::uint8_t {
        none,
        not_at_start,
        overlap,
        within_byte,
        unnamed,
        no_object,
        no_bitfield,
        past_end,
    };

    // Offsets and sizes are in bits.
    struct Member {
        std::uint32_t number;  // in the record
        std::uint32_t type;
        std::uint32_t name_off;
        Fault fault;
        bool is_bitfield;
        bool is_composite;  // a struct or union, through typedefs and qualifiers
        bool is_unnamed;
        std::int64_t offset;
        std::int64_t size;
        std::int64_t previous_end;  // of the members before it

        std::int64_t end() const { return offset + size; }
    };

    struct Definition {
        std::vector<Member> members;  // in ascending order of offsets
        bool packed = false;
        Alignment alignment;
    };

    // Returns the definition of a STRUCT or UNION. Throws Error (not_supported) if the limits are exceeded.
    Definition definition(std::uint32_t id);

    // Returns the alignment of a type that is written as `definition` and C say.
    Alignment alignment(std::uint32_t id);

    // Whether C has objects of a type with the size of the BTF. Not void, functions and types that are only
    // declared.
    bool has_objects(std::uint32_t id) const;

    // Whether compilers can give an ENUM or ENUM64 its size, and all values fit.
    bool is_definable(const TypeRecord& enumeration) const;
    // Whether all values of an enum fit into so many bits. Negative ones need one more.
    static bool values_fit(const TypeRecord& enumeration, unsigned bits);

    // Says what a fault is, in words that follow "a member at bit N".
    static std::string describe(const Member& member);

private:
    struct Known {
        std::uint8_t lowest = 0;  // 0 if it is unknown
        std::uint8_t highest = 0;
    };

    TypeRecord record(std::uint32_t id) const { return {btf_, id}; }
    std::vector<Member> members(const TypeRecord& type) const;
    Member member(const TypeRecord& type, std::uint32_t number) const;
    Fault fault(const TypeRecord& type, const Member& member) const;
    bool is_bitfield_type(const Member& member) const;
    Alignment number_alignment(std::int64_t size, bool is_float) const;

    const Btf& btf_;
    const Sizes& sizes_;
    CLimits& limits_;
    CDialect dialect_;
    std::int64_t pointer_size_;
    std::vector<Known> known_;  // empty until it is needed
};

}  // namespace btfmmap
