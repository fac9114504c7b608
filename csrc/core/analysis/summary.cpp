#include "core/analysis/summary.hpp"

#include <algorithm>

#include "core/index/rows_of_kind.hpp"

namespace btfmmap {

namespace {

// Counts the NUL bytes. Compilers vectorize std::count only at higher levels of optimization.
std::uint64_t count_nuls(Bytes text) {
    std::uint64_t count = 0;
    std::size_t at = 0;
    while (text.size - at >= sizeof(U8x16)) {
        // A lane can count up to 255 matches before it overflows.
        const std::size_t vectors = std::min<std::size_t>(255, (text.size - at) / sizeof(U8x16));
        U8x16 counts = {};
        for (std::size_t i = 0; i != vectors; ++i, at += sizeof(U8x16)) {
            counts -= lane_mask(load_vector<U8x16>(text.data + at) == std::uint8_t{0});
        }
        for (std::size_t i = 0; i != sizeof counts; ++i) {
            count += counts[i];
        }
    }
    return count +
           static_cast<std::uint64_t>(std::count(text.data + at, text.data + text.size, std::byte{0}));
}

}  // namespace

Summary::Summary(const Btf& btf, std::size_t top) {
    const Index& index = btf.index();
    std::array<std::uint64_t, kMaxKinds> bytes = {};  // of all records of a kind
    for (std::size_t row = index.first_record(); row < index.rows(); ++row) {
        const std::size_t kind = index.kinds()[row];
        ++records[kind];
        bytes[kind] += index.offsets()[row + 1] - index.offsets()[row];
    }
    for (std::size_t kind = 0; kind != kMaxKinds; ++kind) {
        const Shape& shape = shape_of(static_cast<Kind>(kind));
        if (shape.known && shape.element != 0) {
            elements[kind] = (bytes[kind] - records[kind] * (kHeadSize + shape.fixed)) / shape.element;
        }
    }

    strings = count_nuls(btf.string_section());

    RowsOfKind<Kind::Struct>(index).each([&](std::size_t row) {
        biggest_structs.emplace_back(index.id(row), index.load(index.record(row) + HeadField::size_or_type));
    });
    top = std::min(top, biggest_structs.size());
    const auto end = biggest_structs.begin() + static_cast<std::ptrdiff_t>(top);
    std::partial_sort(
        biggest_structs.begin(), end, biggest_structs.end(), [](const auto& one, const auto& other) {
            return one.second != other.second ? one.second > other.second : one.first < other.first;
        });
    biggest_structs.erase(end, biggest_structs.end());
}

}  // namespace btfmmap
