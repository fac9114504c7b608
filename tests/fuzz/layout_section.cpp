// BTF whose layout section gives the sizes of records of unknown kinds. A header of 32 bytes is put before
// the input, which is cut into layout, types and strings.

#include <initializer_list>
#include <vector>

#include "core/format/wire_format.hpp"
#include "exercise_all.hpp"
#include "input.hpp"

using namespace btfmmap;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const Mapping layout = input.part(input.number() / kLayoutSize * kLayoutSize);
    const Mapping types = input.sized_part();
    const Mapping strings = input.rest();
    const auto layout_size = static_cast<std::uint32_t>(layout.bytes().size / kLayoutSize * kLayoutSize);
    const auto types_size = static_cast<std::uint32_t>(types.bytes().size);
    const auto strings_size = static_cast<std::uint32_t>(strings.bytes().size);

    std::vector<std::uint8_t> blob{kMagic & 0xff, kMagic >> 8, kVersion, 0};
    const auto put = [&blob](const void* from, std::size_t count) {
        const auto* bytes = static_cast<const std::uint8_t*>(from);
        blob.insert(blob.end(), bytes, bytes + count);
    };
    for (const std::uint32_t field :
         {kMaxHeaderSize, 0U, types_size, types_size + layout_size, strings_size, types_size, layout_size}) {
        put(&field, sizeof field);
    }
    put(types.bytes().data, types_size);
    put(layout.bytes().data, layout_size);
    put(strings.bytes().data, strings_size);
    if (const fuzz::BtfPtr btf = fuzz::open(fuzz::Input(blob.data(), blob.size()).rest())) {
        fuzz::exercise_all(*btf);
    }
    return 0;
}
