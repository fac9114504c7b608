// A BTF and a section .BTF.ext that belongs to it.

#include "exercise_all.hpp"
#include "input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace btfmmap::fuzz;
    Input input(data, size);
    if (const BtfPtr btf = open(input.sized_part())) {
        read_ext(input.rest(), *btf);
    }
    return 0;
}
