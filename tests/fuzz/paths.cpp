// A path in an expression, and a search for paths.

#include "exercise_all.hpp"
#include "input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace btfmmap::fuzz;
    Input input(data, size);
    const BtfPtr btf = open(input.sized_part());
    if (btf == nullptr) {
        return 0;
    }
    const std::size_t options = input.number();
    const btfmmap::Mapping path = input.rest();
    const btfmmap::Bytes bytes = path.bytes();
    ask_paths(*btf, {reinterpret_cast<const char*>(bytes.data), bytes.size}, options);
    return 0;
}
