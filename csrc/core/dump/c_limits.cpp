#include "core/dump/c_limits.hpp"

#include <string>

#include "core/base/error.hpp"

namespace btfmmap {

namespace {

// The C text of real kernels takes a quarter of this.
constexpr std::uint64_t kBytesPerByte = 16;
constexpr std::uint64_t kBaseBytes = std::uint64_t{1} << 24;

}  // namespace

std::uint64_t c_text_limit(const Btf& btf) {
    std::uint64_t limit = kBaseBytes;
    for (const Btf* level = &btf; level != nullptr; level = level->base().get()) {
        limit += kBytesPerByte * (level->header().type_size + level->header().string_size);
    }
    return limit;
}

void CLimits::throw_exhausted() {
    remaining_ = 0;
    throw Error::not_supported("the types, written as C, make more text than any kernel's");
}

void CLimits::throw_too_deep(std::uint32_t id) {
    throw Error::not_supported("type [" + std::to_string(id) + "] lies more than " +
                               std::to_string(kMaxDepth) + " types deep, too deep to be written as C");
}

}  // namespace btfmmap
