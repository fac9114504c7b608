// A base, a split BTF on it, and another base that the split one is moved onto.

#include "core/base/error.hpp"
#include "core/btf/relocate.hpp"
#include "exercise_all.hpp"
#include "input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace btfmmap::fuzz;
    Input input(data, size);
    const BtfPtr base = open(input.sized_part());
    const BtfPtr split = base == nullptr ? nullptr : open(input.sized_part(), base);
    if (split == nullptr) {
        return 0;
    }
    exercise_all(*split);
    const BtfPtr other = open(input.rest());
    if (other == nullptr) {
        return 0;
    }
    try {
        exercise_all(*btfmmap::relocate(*split, other, "input", "other"));
    } catch (const btfmmap::Error&) {
    }
    return 0;
}
