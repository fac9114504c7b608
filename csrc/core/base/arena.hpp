#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "core/base/block.hpp"
#include "core/base/bytes.hpp"

namespace btfmmap {

// Allocates arrays that are freed together, in few large blocks. Thread-safe.
class Arena {
public:
    // The first chunk has `expected` bytes, but at most an eighth of the address space; more chunks are added
    // as needed.
    explicit Arena(std::uint64_t expected)
        : chunk_size_(in_memory(std::min<std::uint64_t>(expected, SIZE_MAX / 8))) {}

    // Throws std::bad_alloc.
    template <class T>
    T* allocate(std::uint64_t count) {
        return static_cast<T*>(allocate_bytes(count * sizeof(T)));
    }

private:
    struct Chunk {
        Block block;
        std::size_t used;
    };

    void* allocate_bytes(std::uint64_t bytes);

    std::mutex mutex_;
    std::size_t chunk_size_;
    std::vector<Chunk> chunks_;
};

}  // namespace btfmmap
