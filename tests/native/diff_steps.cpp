// Compares two files, and prints how much work that was: basic blocks that ran, and the most bytes that were
// allocated at once. test_diff_hostile.py compiles it with the core and -fsanitize-coverage=trace-pc.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <new>
#include <vector>

#include "core/analysis/btf_sizes.hpp"
#include "core/base/error.hpp"
#include "core/btf/btf.hpp"
#include "core/diff/changes.hpp"
#include "core/diff/history.hpp"
#include "core/diff/spelling.hpp"
#include "core/fingerprint/fingerprints.hpp"
#include "core/input/mapping.hpp"

namespace {

std::uint64_t steps = 0, held = 0, most = 0;

constexpr std::size_t kPlain = alignof(std::max_align_t);

// Allocates memory whose size is in the `alignment` bytes before it.
void* allocate(std::size_t size, std::size_t alignment) {
    const std::size_t whole = (alignment + size + alignment - 1) / alignment * alignment;
    auto* memory = static_cast<std::byte*>(std::aligned_alloc(alignment, whole));
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    *reinterpret_cast<std::size_t*>(memory) = size;
    held += size;
    most = held > most ? held : most;
    return memory + alignment;
}

void release(void* memory, std::size_t alignment) {
    if (memory != nullptr) {
        auto* start = static_cast<std::byte*>(memory) - alignment;
        held -= *reinterpret_cast<std::size_t*>(start);
        std::free(start);
    }
}

}  // namespace

extern "C" void __sanitizer_cov_trace_pc() { ++steps; }

void* operator new(std::size_t size) { return allocate(size, kPlain); }
void* operator new[](std::size_t size) { return allocate(size, kPlain); }
void* operator new(std::size_t size, std::align_val_t alignment) {
    return allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
    return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { release(memory, kPlain); }
void operator delete[](void* memory) noexcept { release(memory, kPlain); }
void operator delete(void* memory, std::size_t) noexcept { release(memory, kPlain); }
void operator delete[](void* memory, std::size_t) noexcept { release(memory, kPlain); }
void operator delete(void* memory, std::align_val_t alignment) noexcept {
    release(memory, static_cast<std::size_t>(alignment));
}
void operator delete[](void* memory, std::align_val_t alignment) noexcept {
    release(memory, static_cast<std::size_t>(alignment));
}

// diff_steps OLD NEW
int main(int, char** arguments) {
    using namespace btfmmap;
    std::vector<std::vector<char>> contents(2);
    auto history = std::make_shared<diff::History>();
    try {
        for (std::size_t i = 0; i != contents.size(); ++i) {
            std::ifstream file(arguments[i + 1], std::ios::binary);
            contents[i].assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
            const Bytes bytes{reinterpret_cast<const std::byte*>(contents[i].data()), contents[i].size()};
            const auto btf = std::make_shared<const Btf>(Mapping::borrow(bytes, nullptr, How::buffer),
                                                         arguments[i + 1], nullptr, 0);
            const auto sizes = std::make_shared<const BtfSizes>(btf, nullptr);
            history->add_kernel({{sizes, std::make_shared<const Fingerprints>(sizes, nullptr), ""}});
        }
        const diff::Changes changes(history, 0, 1);
        for (const diff::Row& row : changes.rows()) {
            for (const diff::Side* side : {&row.before, &row.after}) {
                if (side->type != diff::kNone) {
                    diff::spelled(history->spellings(), history->names(), side->type);
                }
            }
        }
        changes.causes(std::vector<std::uint8_t>(history->entities().size(), 1));
        std::printf("rows %zu\n", changes.rows().size());
    } catch (const Error& error) {
        std::printf("refused: %s\n", error.what());
    }
    std::printf("steps %llu\nbytes %llu\n", static_cast<unsigned long long>(steps),
                static_cast<unsigned long long>(most));
    return 0;
}
