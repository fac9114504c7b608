#include "core/arena.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <new>

namespace btfmmap {

namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kWorthAsking = std::size_t{1} << 15;

std::shared_ptr<std::byte> memory_of(std::size_t size) {
    return {new (std::align_val_t{kAlignment}) std::byte[size],
            [](std::byte* data) { ::operator delete[](data, std::align_val_t{kAlignment}); }};
}

#ifdef MADV_POPULATE_WRITE

// Asks for all pages at once that are not there, which costs half of what as many faults do. Where the kernel
// cannot (before Linux 5.14), they come one by one. To ask for pages that are there costs more than to see
// that they are: memory that was used before has them.
void populate(std::byte* data, std::size_t size) {
    constexpr std::size_t pages_at_once = 1024;
    unsigned char resident[pages_at_once];
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    const std::uintptr_t end = reinterpret_cast<std::uintptr_t>(data) + size;
    std::uintptr_t start = reinterpret_cast<std::uintptr_t>(data) & ~(page - 1);
    while (start < end) {
        const std::size_t pages = std::min<std::size_t>((end - start + page - 1) / page, pages_at_once);
        if (::mincore(reinterpret_cast<void*>(start), pages * page, resident) != 0) {
            return;
        }
        const auto present = [](unsigned char flags) { return (flags & 1) != 0; };
        if (!std::all_of(resident, resident + pages, present)) {
            ::madvise(reinterpret_cast<void*>(start), pages * page, MADV_POPULATE_WRITE);
        }
        start += pages * page;
    }
}

#else

void populate(std::byte*, std::size_t) {}

#endif

}  // namespace

void* Arena::allocate_bytes(std::size_t size) {
    size = (size + kAlignment - 1) / kAlignment * kAlignment;
    const std::lock_guard<std::mutex> lock(mutex_);
    if (chunks_.empty() || chunks_.back().size - chunks_.back().used < size) {
        const std::size_t chunk_size = std::max(size, chunk_size_);
        chunks_.push_back({memory_of(chunk_size), chunk_size, 0});
    }
    Chunk& chunk = chunks_.back();
    std::byte* data = chunk.memory.get() + chunk.used;
    chunk.used += size;
    if (size >= kWorthAsking) {
        populate(data, size);
    }
    return data;
}

}  // namespace btfmmap
