// Raw BTF that stands alone.

#include "exercise_all.hpp"
#include "input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace btfmmap::fuzz;
    if (const BtfPtr btf = open(Input(data, size).rest())) {
        exercise_all(*btf);
    }
    return 0;
}
