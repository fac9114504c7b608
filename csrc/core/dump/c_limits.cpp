#include "core/dump/c_limits.hpp"

#include <string>

#include "core/base/error.hpp"

namespace btfmmap {

namespace {

// The C of real kernels takes a quarter of that.
constexpr std::uint64_t kBytesPerByte = 16;
constexpr std::uint64_t kBytesInAnyCase = std::uint64_t{1} << 24;

}  // namespace

CLimits::CLimits(const Btf& btf) : left_(kBytesInAnyCase) {
    for (const Btf* each = &btf; each != nullptr; each = each->base().get()) {
        left_ += kBytesPerByte * (each->type_section().size + each->string_section().size);
    }
}

void CLimits::exhausted() {
    left_ = 0;
    throw Error::not_supported("the types, written as C, make more text than any kernel's");
}

void CLimits::too_deep(std::uint32_t id) {
    throw Error::not_supported("type [" + std::to_string(id) + "] lies more than " +
                               std::to_string(kMostDepth) + " types deep, too deep to be written as C");
}

}  // namespace btfmmap
