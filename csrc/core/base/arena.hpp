#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

namespace btfmmap {

// Memory for arrays that live and go together, in few pieces. Thread-safe.
//
// A fresh page costs a fault of 0.5 to 2 us, as much as the work that fills it. Pieces come from the heap,
// which keeps what is freed for the next ones, and an array's pages are asked for at once, for half of that.
// Huge pages would save more, but in a virtual machine that hands free ones back to its host each may cost
// milliseconds.
class Arena {
public:
    // `expected` bytes are set aside first; more is added as needed.
    explicit Arena(std::size_t expected) : chunk_size_(expected) {}

    template <class T>
    T* allocate(std::size_t count) {
        return static_cast<T*>(allocate_bytes(count * sizeof(T)));
    }

private:
    struct Chunk {
        std::shared_ptr<std::byte> memory;
        std::size_t size;
        std::size_t used;
    };

    void* allocate_bytes(std::size_t size);

    std::mutex mutex_;
    std::size_t chunk_size_;
    std::vector<Chunk> chunks_;
};

}  // namespace btfmmap
