#pragma once

#include <cstdint>
#include <vector>

#include "core/index/index.hpp"

namespace btfmmap {

// Types of one BTF, each of which leads to itself, in a way that no C has: by value (a struct that holds
// itself, a typedef of itself), or with no struct or union on the way (a pointer to itself, a prototype that
// takes itself).
struct Cycle {
    std::uint32_t lowest_id;
    std::uint32_t types;  // number of types on the cycle
    bool by_value;
};

// All of them, those by value first, each kind in the order of ids. References past the last id lead nowhere.
std::vector<Cycle> find_cycles(const Index& index);

}  // namespace btfmmap
