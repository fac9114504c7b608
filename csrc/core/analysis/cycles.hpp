#pragma once

#include <cstdint>
#include <vector>

#include "core/index/index.hpp"

namespace btfmmap {

// Types of one BTF that refer to each other in a cycle that C cannot express. A cycle by value is, for
// example, a struct that contains itself or a typedef of itself. Other cycles contain no struct or union,
// such as a pointer to itself or a prototype that takes itself.
struct Cycle {
    std::uint32_t lowest_id;
    std::uint32_t types;  // number of types on the cycle
    bool by_value;
};

// Returns all such cycles: first those by value, then the others, both ordered by lowest ID. Ignores
// references to types past the last ID or of the base.
std::vector<Cycle> find_cycles(const Index& index);

// Returns only the cycles through a FUNC_PROTO. The kernel takes no others.
std::vector<Cycle> find_prototype_cycles(const Index& index);

}  // namespace btfmmap
