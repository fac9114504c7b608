// Memory that is kept for reuse: how much, by threads at once, and in a forked child. test_blocks.py compiles
// it.

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <random>
#include <thread>
#include <vector>

#include "core/base/block.hpp"

using namespace btfmmap;

namespace {

// Bytes of aligned memory, which only blocks allocate here.
std::atomic<std::size_t> held{0};

constexpr std::size_t kHead = 64;
constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::size_t kBound = 16 * kMiB;  // of used memory
constexpr std::size_t kAddresses = 32 * kMiB;

void demand(bool good, const char* what) {
    if (!good) {
        std::printf("failed: %s\n", what);
        std::exit(1);
    }
}

}  // namespace

void* operator new[](std::size_t size, std::align_val_t) {
    void* memory = std::aligned_alloc(kHead, (size + 2 * kHead - 1) / kHead * kHead);
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    std::memcpy(memory, &size, sizeof size);
    held += size;
    return static_cast<std::byte*>(memory) + kHead;
}

void operator delete[](void* memory, std::align_val_t) noexcept {
    if (memory != nullptr) {
        void* start = static_cast<std::byte*>(memory) - kHead;
        std::size_t size;
        std::memcpy(&size, start, sizeof size);
        held -= size;
        std::free(start);
    }
}

namespace {

void test_reuse() {
    const std::byte* first;
    {
        const Block block(kMiB);
        std::memset(block.data(), 1, block.size());
        first = block.data();
    }
    const Block smaller(kMiB - kMiB / 8);
    demand(smaller.data() == first && smaller.size() == kMiB, "a block is used again for less");
    const Block other(kMiB);
    demand(other.data() != first, "a block in use is not given out");
}

void test_bound() {
    {
        std::vector<Block> blocks;
        for (int i = 0; i != 100; ++i) {
            blocks.emplace_back(kMiB);
            blocks.back().use(kMiB);
        }
        blocks.emplace_back(20 * kMiB);
        blocks.back().use(20 * kMiB);
    }
    demand(held <= kBound, "at most 16 MiB are kept");
    demand(held > kBound / 2, "most of them are");
    {
        std::vector<Block> blocks;
        for (int i = 0; i != 100; ++i) {
            blocks.emplace_back(200'000);
            blocks.back().use(200'000);
        }
    }
    demand(held <= kBound, "at most 16 MiB of smaller ones are kept");
    {
        Block large(16 * kMiB);
        large.use(16 * kMiB);
    }
    demand(held <= kBound, "one block may be all that is kept");
    {
        std::vector<Block> blocks;
        for (int i = 0; i != 30; ++i) {
            blocks.emplace_back(2 * kMiB);
            blocks.back().use(kMiB / 8);
        }
    }
    demand(held > kBound && held <= kAddresses, "what is not used counts as addresses");
    const std::size_t before = held;
    for (std::size_t size = 0; size != 1000; ++size) {
        const Block small(size);
    }
    demand(held == before, "small blocks are not kept");
}

void test_refusal() {
    try {
        const Block block(SIZE_MAX / 2);
        demand(false, "too large a block");
    } catch (const std::bad_alloc&) {
    }
}

// Each thread finds in its blocks what it wrote there.
void test_threads() {
    std::vector<std::thread> threads;
    for (unsigned number = 1; number != 5; ++number) {
        threads.emplace_back([number] {
            std::mt19937 random(number);
            for (int round = 0; round != 300; ++round) {
                Block block(kMiB / 8 + random() % kMiB);
                block.use(block.size());
                std::memset(block.data(), static_cast<int>(number), block.size());
                std::this_thread::yield();
                for (std::size_t at = 0; at < block.size(); at += 4096) {
                    demand(block.data()[at] == std::byte(number), "a block belongs to one thread");
                }
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    demand(held <= kBound, "at most 16 MiB are kept after threads");
}

// A child that is forked while threads take and give blocks does not wait for them.
void test_fork() {
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (int i = 0; i != 2; ++i) {
        threads.emplace_back([&stop] {
            while (!stop) {
                const Block block(kMiB);
            }
        });
    }
    for (int round = 0; round != 50; ++round) {
        const pid_t child = ::fork();
        if (child == 0) {
            ::alarm(20);
            for (int i = 0; i != 3; ++i) {
                const Block block(kMiB);
                block.data()[kMiB - 1] = std::byte{1};
            }
            ::_exit(0);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        demand(status == 0, "a forked child uses blocks");
    }
    stop = true;
    for (std::thread& thread : threads) {
        thread.join();
    }
}

}  // namespace

int main() {
    test_reuse();
    test_threads();
    test_bound();
    test_refusal();
    test_fork();
    std::puts("all good");
}
