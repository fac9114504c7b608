#include "core/arena.hpp"

#include <algorithm>
#include <new>

namespace btfmmap {

namespace {

constexpr std::size_t kAlignment = 64;

std::shared_ptr<std::byte> memory_of(std::size_t size) {
    return {new (std::align_val_t{kAlignment}) std::byte[size],
            [](std::byte* data) { ::operator delete[](data, std::align_val_t{kAlignment}); }};
}

}  // namespace

void* Arena::allocate_bytes(std::size_t size) {
    size = (size + kAlignment - 1) / kAlignment * kAlignment;
    const std::lock_guard<std::mutex> lock(mutex_);
    if (chunks_.empty() || chunks_.back().size - chunks_.back().used < size) {
        const std::size_t chunk_size = std::max(size, chunk_size_);
        chunks_.push_back({memory_of(chunk_size), chunk_size, 0});
    }
    Chunk& chunk = chunks_.back();
    void* data = chunk.memory.get() + chunk.used;
    chunk.used += size;
    return data;
}

}  // namespace btfmmap
