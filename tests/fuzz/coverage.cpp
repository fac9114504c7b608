#include "coverage.hpp"

#include <cstddef>
#include <cstdint>

namespace {

// Indexed by a hash of both places; nonzero where the code went from one to the other.
constexpr std::size_t kEdges = std::size_t{1} << 16;
thread_local std::uint8_t seen[kEdges];
thread_local std::uintptr_t last_place;
thread_local bool found_new;

}  // namespace

// gcc inserts a call of this into each basic block.
extern "C" void __sanitizer_cov_trace_pc();
void __sanitizer_cov_trace_pc() {
    const auto place = reinterpret_cast<std::uintptr_t>(__builtin_return_address(0));
    std::uint8_t& edge = seen[(place * 2654435761U ^ last_place) % kEdges];
    found_new |= edge == 0;
    edge = 1;
    last_place = place >> 1;
}

bool btfmmap::fuzz::reached_new() {
    const bool found = found_new;
    found_new = false;
    last_place = 0;
    return found;
}
