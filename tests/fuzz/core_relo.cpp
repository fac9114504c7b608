// A BPF object, as its BTF, section .BTF.ext and instructions, and the BTF of a kernel.

#include "exercise_all.hpp"
#include "input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace btfmmap::fuzz;
    Input input(data, size);
    const BtfPtr object = open(input.sized_part());
    const btfmmap::Mapping ext = input.sized_part();
    const btfmmap::Mapping code = input.sized_part();
    const BtfPtr kernel = open(input.rest());
    if (object != nullptr && kernel != nullptr) {
        evaluate_relocations(object, ext, code, kernel);
    }
    return 0;
}
