// Bytes that change after they were opened: a base, a split BTF, and two rounds of overwriting. The second
// round finds tables, names and graph already built.

#include "exercise_all.hpp"
#include "input.hpp"

using namespace btfmmap;

namespace {

// Writes at most `count` words, each small or, with its sign, near 2^32.
void change(const Mapping& bytes, fuzz::Input& input, std::size_t count) {
    auto* data = const_cast<std::byte*>(bytes.bytes().data);
    const std::size_t size = bytes.bytes().size;
    for (; size != 0 && count != 0 && !input.empty(); --count) {
        const std::size_t at = input.number();
        const auto word = static_cast<std::uint32_t>(static_cast<std::int16_t>(input.number()));
        for (std::size_t i = 0; i != sizeof word; ++i) {
            data[(at + i) % size] = static_cast<std::byte>(word >> 8 * i);
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size, How::buffer);
    const Mapping base_bytes = input.sized_part();
    const Mapping split_bytes = input.sized_part();
    const fuzz::BtfPtr base = fuzz::open(base_bytes);
    if (base == nullptr) {
        return 0;
    }
    const fuzz::BtfPtr split = fuzz::open(split_bytes, base);
    const Btf& btf = split == nullptr ? *base : *split;
    change(base_bytes, input, 4);
    change(split_bytes, input, 4);
    fuzz::exercise_all(btf);
    change(base_bytes, input, 16);
    change(split_bytes, input, 16);
    fuzz::exercise_all(btf);
    return 0;
}
