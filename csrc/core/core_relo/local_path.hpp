#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/btf/btf.hpp"
#include "core/core_relo/failure.hpp"
#include "core/core_relo/kinds.hpp"

namespace btfmmap::core_relo {

// A step of an access path in the object's types: a member with a name, or an element of an array. Members
// without a name do not count as steps.
struct Accessor {
    std::uint32_t type;  // of a member: its struct; of an element: the element's type, resolved
    std::uint32_t index;
    std::uint32_t member_type;  // of a member: its type
    bool named;                 // whether this is a member
    std::string_view name;      // in the object's strings
};

// The last step of a path through the types of one BTF, and where it leads.
struct Position {
    std::uint32_t bit_offset = 0;
    std::uint32_t type = 0;
    std::uint32_t index = 0;
    bool named = false;
};

// What a relocation refers to in the object's own types. The first accessor of a field is the index that
// multiplies by the root's size; the only one of an enumerator has its name and index.
struct LocalPath {
    std::uint32_t root = 0;
    std::vector<Accessor> accessors;  // empty for kinds that refer to a type
    Position position;
};

// Parses the access string of a relocation and follows it from its root type.
Failure parse_local_path(const Btf& btf, ReloKind kind, std::uint32_t root, std::uint32_t access_off,
                         LocalPath& path);

}  // namespace btfmmap::core_relo
