#include "core/base/arena.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <new>

namespace btfmmap {

namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kMinPopulateSize = std::size_t{1} << 15;

std::shared_ptr<std::byte> allocate_aligned(std::size_t size) {
    return {new (std::align_val_t{kAlignment}) std::byte[size],
            [](std::byte* data) { ::operator delete[](data, std::align_val_t{kAlignment}); }};
}

#ifdef MADV_POPULATE_WRITE

// Makes all missing pages resident with one system call, which costs half as much as the page faults. Before
// Linux 5.14 the kernel lacks this call, and pages are faulted in one by one.
//
// Requesting pages that are already resident costs half as much as the work that fills them. Only the last
// page is therefore tested: reused memory is mostly resident, and new memory is not.
void populate(std::byte* data, std::size_t size) {
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    const auto page_of = [=](std::byte* byte) {
        return reinterpret_cast<std::uintptr_t>(byte) & ~(page - 1);
    };
    const std::uintptr_t first = page_of(data);
    const std::uintptr_t last = page_of(data + size - 1);
    unsigned char resident = 0;
    if (::mincore(reinterpret_cast<void*>(last), page, &resident) == 0 && (resident & 1) == 0) {
        ::madvise(reinterpret_cast<void*>(first), last - first + page, MADV_POPULATE_WRITE);
    }
}

#else

void populate(std::byte*, std::size_t) {}

#endif

}  // namespace

void* Arena::allocate_bytes(std::uint64_t bytes) {
    const std::size_t size = in_memory((bytes + kAlignment - 1) / kAlignment * kAlignment);
    const std::lock_guard<std::mutex> lock(mutex_);
    if (chunks_.empty() || chunks_.back().size - chunks_.back().used < size) {
        const std::size_t chunk_size = std::max(size, chunk_size_);
        chunks_.push_back({allocate_aligned(chunk_size), chunk_size, 0});
    }
    Chunk& chunk = chunks_.back();
    std::byte* data = chunk.memory.get() + chunk.used;
    chunk.used += size;
    if (size >= kMinPopulateSize) {
        populate(data, size);
    }
    return data;
}

}  // namespace btfmmap
