#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/btf/btf.hpp"

namespace btfmmap {

// What a BTF contains, without its bases. Made in one pass over the index.
struct Summary {
    std::array<std::uint32_t, kMaxKinds> records = {};   // of each kind, without void
    std::array<std::uint64_t, kMaxKinds> elements = {};  // of all records of each kind that has them
    std::uint64_t strings = 0;
    // The IDs and sizes of the largest structs, largest first, and for equal sizes by ID.
    std::vector<std::pair<std::uint32_t, std::uint32_t>> biggest_structs;

    // `top` is the number of structs to return.
    Summary(const Btf& btf, std::size_t top);

    std::uint64_t elements_of(Kind kind) const { return elements[static_cast<std::size_t>(kind)]; }
};

}  // namespace btfmmap
