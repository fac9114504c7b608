#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/analysis/btf_sizes.hpp"
#include "core/base/error.hpp"

// Members by path and by byte, through named structs and arrays.
namespace btfmmap {

// Returns the STRUCT or UNION below typedefs and qualifiers. Throws Error (invalid_argument) for another
// kind.
std::uint32_t composite(const BtfSizes& sizes, std::uint32_t type_id);

// The result of find_member().
struct FoundMember {
    enum class Status : std::uint8_t {
        found,
        no_member,      // no member of `parent` has the name of the part
        not_composite,  // `type`, in which the part is searched, is neither a struct nor a union
        past_end,       // the index is past the end of the array `type`
        not_array,      // the index is applied to `type`, which is not an array
        bad_index,      // the part in brackets is not a number
    };

    Status status;
    Field field;               // the member of the last name in the path
    std::uint32_t type;        // of the member, or of the element if the path ends with an index
    std::uint64_t bit_offset;  // of the member or element, from the start of the root
    // The part of the path at which the search failed: a name, or what follows an opening bracket. For
    // past_end, that is the index without the closing bracket.
    std::size_t part_begin, part_end;
};

// Finds the member at a dotted path with array indices in brackets, such as "se.load[1].weight". The path
// omits anonymous structs and unions. `type_id` is a STRUCT or UNION. Throws Error (format) as Fields does.
FoundMember find_member(const BtfSizes& sizes, std::uint32_t type_id, std::string_view path);

// A member at a byte of a type.
struct MemberAt {
    std::string_view path;
    std::uint32_t type;
    std::uint64_t bit_offset;    // of the member, from the start of the root
    std::uint8_t bitfield_size;  // in bits; 0 if it is not a bitfield
};

// Finds the innermost members at bytes of a struct, union or array, or of a typedef of one.
class ByteSearch {
public:
    // Throws Error (invalid_argument) for another kind.
    ByteSearch(const BtfSizes& sizes, std::uint32_t type_id);

    // Returns the members at a byte in the order of the records. There are several if members of a union or
    // bitfields share the byte, and none in a hole. The result is valid until the next call. Throws Error
    // (format) if the type nests too deep, or has too many members at this byte.
    const std::vector<MemberAt>& at(std::int64_t byte);

private:
    enum class Part : std::uint8_t { none, name, index };

    // A type on the way to a member.
    struct Node {
        std::uint32_t type;
        std::uint32_t depth;
        std::uint64_t bit_offset;  // from the start of the root
        std::uint64_t left;        // the byte, from the start of this type
        std::uint64_t index;       // of an element
        std::uint32_t name_off;    // of a member
        Part part;                 // the part of the path that leads to the type
        std::uint8_t bitfield_size;
        bool unnamed;  // whether the path to the type is empty
    };
    struct Found {
        std::size_t path_end;  // in text_; the path starts at the end of the one before
        std::uint32_t type;
        std::uint64_t bit_offset;
        std::uint8_t bitfield_size;
    };

    void enter(const Node& node);
    void enter_members(const Node& node, std::uint32_t resolved);
    void add(const Node& node);
    Error refused(const std::string& why) const;
    Error too_many() const;

    const BtfSizes& sizes_;
    const Strings& strings_;
    std::uint32_t root_;
    std::int64_t byte_ = 0;
    std::vector<Node> pending_;                    // the next one is the last
    std::array<Node, kMaxFieldDepth + 1> path_{};  // by depth
    std::vector<std::uint32_t> numbers_;
    std::uint64_t steps_ = 0;  // number of fields of the types that were entered
    std::uint32_t entered_ = 0;
    std::string text_;  // the paths, one after the other
    std::vector<Found> found_;
    std::vector<MemberAt> members_;
};

}  // namespace btfmmap
