#include "core/base/arena.hpp"

#include <algorithm>
#include <cstdint>

namespace btfmmap {

void* Arena::allocate_bytes(std::uint64_t bytes) {
    constexpr std::size_t alignment = 64;
    const std::size_t size = in_memory((bytes + alignment - 1) / alignment * alignment);
    const std::lock_guard<std::mutex> lock(mutex_);
    if (chunks_.empty() || chunks_.back().block.size() - chunks_.back().used < size) {
        chunks_.push_back({Block(std::max(size, chunk_size_)), 0});
    }
    Chunk& chunk = chunks_.back();
    std::byte* data = chunk.block.data() + chunk.used;
    chunk.used += size;
    chunk.block.use(chunk.used);
    return data;
}

}  // namespace btfmmap
