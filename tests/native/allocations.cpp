// Opens a file and asks every question while the first allocation fails, then the second, and so on until
// none does. Each time std::bad_alloc comes out and no memory leaks. test_allocations.py compiles it with
// tests/fuzz/exercise_all.cpp and names the files.

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <new>
#include <vector>

#include "core/base/error.hpp"
#include "exercise_all.hpp"

namespace {

// The number of the allocation that fails, from 1; allocations so far; allocations not yet freed.
long failing = 0;
long made = 0;
long held = 0;

void* allocate(std::size_t size, std::size_t alignment) {
    if (++made == failing) {
        throw std::bad_alloc();
    }
    void* memory = std::aligned_alloc(alignment, (size + alignment) / alignment * alignment);
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    ++held;
    return memory;
}

void release(void* memory) {
    held -= memory != nullptr;
    std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size, alignof(std::max_align_t)); }
void* operator new[](std::size_t size) { return allocate(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
    return allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
    return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { release(memory); }
void operator delete[](void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }

// allocations FILE...
int main(int argc, char** argv) {
    for (int argument = 1; argument != argc; ++argument) {
        std::ifstream file(argv[argument], std::ios::binary);
        const std::vector<char> content{std::istreambuf_iterator<char>(file), {}};
        const btfmmap::Bytes bytes{reinterpret_cast<const std::byte*>(content.data()), content.size()};
        const long before = held;
        bool done = false;
        long round = 0;
        while (!done) {
            failing = ++round;
            made = 0;
            try {
                const auto mapping = btfmmap::Mapping::borrow(bytes, nullptr, btfmmap::How::buffer);
                if (const auto btf = btfmmap::fuzz::open(mapping)) {
                    btfmmap::fuzz::exercise_all(*btf);
                }
                done = made < failing;
                if (!done) {
                    std::printf("%s: failing allocation %ld was hidden\n", argv[argument], round);
                    return 1;
                }
            } catch (const std::bad_alloc&) {
            }
            if (held != before) {
                std::printf("%s: %ld allocations leaked when number %ld failed\n", argv[argument],
                            held - before, round);
                return 1;
            }
        }
        failing = 0;
        std::printf("%s: %ld allocations failed one by one\n", argv[argument], round - 1);
    }
}
