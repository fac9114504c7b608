#include "core/base/block.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <new>

namespace btfmmap {

namespace {

// Whether released blocks are kept. AddressSanitizer would not find a use after the release, and tests that
// count allocations set this to false.
#ifndef BTFMMAP_KEEP_BLOCKS
#if defined(__SANITIZE_ADDRESS__)
#define BTFMMAP_KEEP_BLOCKS false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BTFMMAP_KEEP_BLOCKS false
#endif
#endif
#endif
#ifndef BTFMMAP_KEEP_BLOCKS
#define BTFMMAP_KEEP_BLOCKS true
#endif

constexpr std::align_val_t kAlignment{64};
constexpr std::size_t kMinPopulateSize = std::size_t{1} << 15;
constexpr std::size_t kMinKeptSize = std::size_t{1} << 17;
constexpr std::size_t kMaxKeptBytes = std::size_t{16} << 20;  // that were used
constexpr std::size_t kMaxKeptAddresses = 2 * kMaxKeptBytes;
// A page that was offered costs a tenth of a new one when it is written again.
constexpr std::chrono::seconds kTimeBetweenOffers{1};

std::byte* allocate(std::size_t size) { return new (kAlignment) std::byte[size]; }
void release(std::byte* data) { ::operator delete[](data, kAlignment); }

std::uintptr_t page_size() { return static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE)); }

// Tells the system that it may take the pages inside of a range of memory, whose contents are then lost.
void offer_pages(const std::byte* data, std::size_t size) {
#ifdef MADV_FREE
    const std::uintptr_t up = page_size() - 1;
    const auto start = reinterpret_cast<std::uintptr_t>(data);
    const std::uintptr_t first = (start + up) & ~up;
    const std::uintptr_t end = (start + size) & ~up;
    if (first < end) {
        ::madvise(reinterpret_cast<void*>(first), end - first, MADV_FREE);
    }
#else
    (void)data;
    (void)size;
#endif
}

struct Kept {
    std::byte* data;
    std::size_t size;
    std::size_t used;
};

// Blocks that are not in use. A thread that would have to wait for another one does without: in a child that
// was forked while another thread was in here, the lock is never released.
class KeptBlocks {
public:
    // Returns a block of at least `size` bytes; one without data if there is none.
    Kept take(std::size_t size) {
        const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
        if (!lock.owns_lock()) {
            return {};
        }
        Kept* const end = kept_.data() + count_;
        Kept* best = end;
        for (Kept* each = kept_.data(); each != end; ++each) {
            if (each->size >= size && each->size - size <= size / 2 &&
                (best == end || each->size <= best->size)) {
                best = each;
            }
        }
        if (best == end) {
            return {};
        }
        const Kept taken = *best;
        remove(best);
        return taken;
    }

    // Keeps a block, or releases it.
    void give(const Kept& block) {
        const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
        if (block.used > kMaxKeptBytes || block.size > kMaxKeptAddresses || !lock.owns_lock()) {
            release(block.data);
            return;
        }
        while (count_ == kept_.size() || bytes_ > kMaxKeptBytes - block.used ||
               addresses_ > kMaxKeptAddresses - block.size) {
            release(kept_[0].data);
            remove(kept_.data());
        }
        kept_[count_++] = block;
        bytes_ += block.used;
        addresses_ += block.size;
    }

    void offer_all() {
        const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
        const auto now = std::chrono::steady_clock::now();
        if (lock.owns_lock() && now - offered_ >= kTimeBetweenOffers) {
            offered_ = now;
            std::for_each(kept_.data(), kept_.data() + count_,
                          [](const Kept& each) { offer_pages(each.data, each.used); });
        }
    }

private:
    void remove(Kept* one) {
        bytes_ -= one->used;
        addresses_ -= one->size;
        std::move(one + 1, kept_.data() + count_, one);
        --count_;
    }

    std::mutex mutex_;
    std::array<Kept, 32> kept_;  // the oldest first
    std::size_t count_ = 0;
    std::size_t bytes_ = 0;  // that were used
    std::size_t addresses_ = 0;
    std::chrono::steady_clock::time_point offered_{};
};

bool is_kept(std::size_t size) { return BTFMMAP_KEEP_BLOCKS && size >= kMinKeptSize; }

KeptBlocks kept_blocks;
std::atomic<std::size_t> blocks_in_use{0};  // of those that are kept

}  // namespace

Block::Block(std::size_t size) : size_(size) {
    if (!is_kept(size)) {
        data_ = allocate(size);
        return;
    }
    if (const Kept kept = kept_blocks.take(size); kept.data != nullptr) {
        data_ = kept.data;
        size_ = kept.size;
        used_ = kept.used;
    } else {
        data_ = allocate(size);
    }
    blocks_in_use.fetch_add(1, std::memory_order_relaxed);
}

Block::~Block() {
    if (!is_kept(size_)) {
        release(data_);
        return;
    }
    kept_blocks.give({data_, size_, used_});
    if (blocks_in_use.fetch_sub(1, std::memory_order_relaxed) == 1) {
        kept_blocks.offer_all();
    }
}

void Block::use(std::size_t bytes) {
    if (bytes > used_) {
        populate(data_ + used_, bytes - used_);
        used_ = bytes;
    }
}

#ifdef MADV_POPULATE_WRITE

// Before Linux 5.14 the kernel lacks this call, and pages are faulted in one by one.
//
// Requesting pages that are already resident costs half as much as the work that fills them. Only the last
// page is therefore tested: reused memory is mostly resident, and new memory is not.
void populate(const void* data, std::size_t size) {
    if (size < kMinPopulateSize) {
        return;
    }
    const std::uintptr_t page = page_size();
    const auto start = reinterpret_cast<std::uintptr_t>(data);
    const std::uintptr_t first = start & ~(page - 1);
    const std::uintptr_t last = (start + size - 1) & ~(page - 1);
    unsigned char resident = 0;
    if (::mincore(reinterpret_cast<void*>(last), page, &resident) == 0 && (resident & 1) == 0) {
        ::madvise(reinterpret_cast<void*>(first), last - first + page, MADV_POPULATE_WRITE);
    }
}

#else

void populate(const void*, std::size_t) {}

#endif

}  // namespace btfmmap
