#pragma once

#include <cstddef>
#include <cstdint>

namespace btfmmap {

// The references of a BTF and its bases, in compressed sparse rows: the edges of type id t are
// [indptr[t], indptr[t + 1]), in the order of its record; for each edge the other type.
struct Edges {
    std::size_t nodes;
    std::size_t edges;
    const std::uint32_t* indptr;
    const std::uint32_t* indices;
};

// What a type is to another that refers to it. Python's Role has the same numbers.
enum class Role : std::uint8_t {
    pointee,
    element,
    index,
    member,
    parameter,
    returned,
    underlying,  // of a TYPEDEF, qualifier or TYPE_TAG
    prototype,   // of a FUNC
    variable,    // the type of a VAR
    section_entry,
    tag_target,
};

// For each edge the role, and the row that holds the reference in the table of its own BTF that has the role:
// members, params, arrays, funcs, vars, secinfos, decl_tags, else types.
struct Labels {
    const std::uint8_t* role;
    const std::uint32_t* row;
};

}  // namespace btfmmap
