#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "core/base/bytes.hpp"

namespace btfmmap {

// Allocates arrays that are freed together, in few large chunks. Thread-safe.
//
// A fault on a new page costs 0.5 to 2 us, as much as the work that fills the page. Chunks come from the
// heap, which reuses freed memory, and all pages of an array are made resident at once, for half that cost.
// Huge pages would save more, but in a virtual machine that returns free ones to its host each can cost
// milliseconds.
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
        std::shared_ptr<std::byte> memory;
        std::size_t size;
        std::size_t used;
    };

    void* allocate_bytes(std::uint64_t bytes);

    std::mutex mutex_;
    std::size_t chunk_size_;
    std::vector<Chunk> chunks_;
};

}  // namespace btfmmap
