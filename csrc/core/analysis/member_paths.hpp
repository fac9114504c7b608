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

// One step of a path.
struct PathHop {
    enum class Kind : std::uint8_t {
        member,       // from a struct or union to a member, through anonymous structs and unions
        index,        // to an element of an array, or to one of the objects that a pointer leads to
        dereference,  // from a pointer to what it points to: the pointer is read
        container,    // from a member to the struct or union around it
    };
    static constexpr std::int64_t kOpen = -1;

    Kind kind;
    bool in_union;  // whether the member, or an anonymous type around it, is in a union
    std::uint8_t bitfield_size;
    std::uint32_t type;       // after the step
    std::int64_t bit_offset;  // that the step adds; 0 for an open index
    std::uint64_t stride;     // from one element to the next, in bytes
    std::int64_t index;       // of the element; kOpen if it is left open
    std::string name;         // of the member, or of the path of members up to the container
};

// What a path starts at, and ends at: an object of a type, or of a pointer to it that has no record.
struct PathValue {
    std::uint32_t type;
    std::uint32_t pointers;  // number of pointers around `type`
    bool at_hand;            // whether it is a pointer whose value is known, so that it need not be read
};

// The result of find_member() and follow_path().
struct FoundMember {
    enum class Status : std::uint8_t {
        found,
        no_member,      // no member of the struct or union has the name of the part
        not_composite,  // `type`, in which the part is searched, is neither a struct nor a union
        past_end,       // the index is past the end of the array `type`
        not_array,      // the index is applied to `type`, which cannot be indexed
        bad_index,      // the part in brackets is not a number
        not_pointer,    // the arrow is applied to `type`, which is not a pointer
    };

    Status status;
    Field field;               // the member of the last name in the path
    std::uint32_t type;        // of the member, or of the element if the path ends with an index
    std::uint64_t bit_offset;  // of the member or element, from the start of the root, or from where the
                               // last pointer leads
    // The part of the path at which the search failed: a name, an arrow, or what follows an opening bracket.
    // For past_end, that is the index without the closing bracket. A dot, arrow or bracket that precedes the
    // part starts at `before`.
    std::size_t before, part_begin, part_end;
};

// Finds the member at a path with array indices in brackets, such as "se.load[1].weight". The path omits
// anonymous structs and unions. An arrow follows a pointer: "mm->owner". `type_id` is a STRUCT or UNION.
// Throws Error (format) as Fields does.
FoundMember find_member(const BtfSizes& sizes, std::uint32_t type_id, std::string_view path);

// A path in an expression of C.
struct FollowedPath {
    FoundMember found;
    PathValue end;
    std::vector<PathHop> hops;  // those before the part that failed
};

// Follows a path that begins with a dot, an arrow or a bracket. Unlike those of find_member(), its pointers
// can be indexed, and an index may be a name or missing, which leaves it open. Throws Error (format) as
// Fields does, (invalid_argument) if the path begins with something else.
FollowedPath follow_path(const BtfSizes& sizes, PathValue start, std::string_view path);

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
