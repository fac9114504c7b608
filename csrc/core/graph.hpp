#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/arena.hpp"
#include "core/btf.hpp"
#include "core/tables.hpp"

namespace btfmmap {

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

// The references of a BTF and its bases, in compressed sparse rows: the edges of type id t are
// [indptr[t], indptr[t + 1]), in the order of its record. For each edge the other type, the role, and the
// row that holds the reference in the table of its own BTF that has the role: members, params, arrays, funcs,
// vars, secinfos, decl_tags, else types.
struct Edges {
    std::size_t nodes;
    std::size_t edges;
    const std::uint32_t* indptr;
    const std::uint32_t* indices;
    const std::uint8_t* role;
    const std::uint32_t* row;
};

class Graph {
public:
    explicit Graph(const Btf& btf);

    // From a type to what it refers to.
    const Edges& forward() const { return forward_; }
    // From a type to what refers to it, ascending.
    const Edges& reverse() const { return reverse_; }

    // Every type that can be reached from some, those included, ascending. Ids past the last are left out.
    static std::vector<std::uint32_t> reachable(const Edges& edges, const std::vector<std::int64_t>& from);

private:
    Arena arena_;
    Edges forward_;
    Edges reverse_;
};

}  // namespace btfmmap
