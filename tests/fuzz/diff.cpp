// Two BTFs that are compared, and a split one on the first.

#include "exercise_all.hpp"
#include "input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace btfmmap::fuzz;
    Input input(data, size);
    const BtfPtr before = open(input.sized_part());
    if (before == nullptr) {
        return 0;
    }
    const BtfPtr split = open(input.sized_part(), before);
    const BtfPtr after = open(input.rest());
    for (const BtfPtr& other : {after, split}) {
        if (other != nullptr) {
            compare({before, other, before});
        }
    }
    return 0;
}
