#include "core/arena.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <new>

namespace btfmmap {

namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

std::size_t round_up(std::size_t size, std::size_t unit) { return (size + unit - 1) / unit * unit; }

std::shared_ptr<std::byte> small_memory(std::size_t size) {
    return {new (std::align_val_t{kAlignment}) std::byte[size],
            [](std::byte* data) { ::operator delete[](data, std::align_val_t{kAlignment}); }};
}

// Starts at a multiple of a huge page; what is not used of it stays untouched and costs nothing.
std::shared_ptr<std::byte> huge_memory(std::size_t size) {
    const std::size_t mapped = size + kHugePage;
    void* address = ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address == MAP_FAILED) {
        throw std::bad_alloc();
    }
    const std::shared_ptr<std::byte> owner(static_cast<std::byte*>(address),
                                           [mapped](std::byte* data) { ::munmap(data, mapped); });
    const auto start = reinterpret_cast<std::uintptr_t>(address);
    std::byte* aligned = owner.get() + (round_up(start, kHugePage) - start);
#ifdef MADV_HUGEPAGE
    ::madvise(aligned, size, MADV_HUGEPAGE);
#endif
    return {owner, aligned};
}

}  // namespace

void* Arena::allocate_bytes(std::size_t size) {
    size = round_up(size, kAlignment);
    const std::lock_guard<std::mutex> lock(mutex_);
    if (chunks_.empty() || chunks_.back().size - chunks_.back().used < size) {
        std::size_t chunk_size = std::max(size, chunk_size_);
        std::shared_ptr<std::byte> memory;
        if (chunk_size < kHugePage) {
            memory = small_memory(chunk_size);
        } else {
            chunk_size = round_up(chunk_size, kHugePage);
            memory = huge_memory(chunk_size);
        }
        chunks_.push_back({std::move(memory), chunk_size, 0});
    }
    Chunk& chunk = chunks_.back();
    void* data = chunk.memory.get() + chunk.used;
    chunk.used += size;
    return data;
}

}  // namespace btfmmap
