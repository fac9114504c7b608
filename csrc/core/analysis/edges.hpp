#pragma once

#include <cstddef>
#include <cstdint>

namespace btfmmap {

// The references of a BTF and its bases, in compressed sparse row (CSR) format. The edges of type ID t are
// indptr[t] up to, but not including, indptr[t + 1], in the order of its record. `indices` holds the other
// type of each edge.
struct Edges {
    std::size_t nodes;
    std::size_t edges;
    const std::uint32_t* indptr;
    const std::uint32_t* indices;
};

// The role of a type in another one that refers to it. Python's Role has the same values.
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

// For each edge, its role and the row that contains the reference. The row is that of a table of the BTF that
// has the role: members, params, arrays, funcs, vars, secinfos, decl_tags, or else types.
struct Labels {
    const std::uint8_t* role;
    const std::uint32_t* row;
};

}  // namespace btfmmap
