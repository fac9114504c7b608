#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace btfmmap {

// What a search for paths considers.
struct PathQuery {
    static constexpr std::uint32_t kMaxPointers = 64;

    std::vector<std::uint32_t> targets;  // sorted
    std::uint32_t max_pointers;          // at most kMaxPointers
    std::size_t limit;                   // number of paths
    bool up;                             // whether paths lead from members to what contains them
    std::vector<std::uint32_t> avoided;  // types, sorted
    // Structs or unions, and the numbers of members in their records. Sorted.
    std::vector<std::pair<std::uint32_t, std::uint32_t>> avoided_members;

    bool avoids(std::uint32_t type) const { return std::binary_search(avoided.begin(), avoided.end(), type); }
    bool avoids(std::uint32_t parent, std::uint32_t number) const {
        return std::binary_search(avoided_members.begin(), avoided_members.end(), std::pair(parent, number));
    }
};

}  // namespace btfmmap
