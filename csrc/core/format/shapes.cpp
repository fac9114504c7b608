#include "core/format/shapes.hpp"

#include <algorithm>

namespace btfmmap {

FileShapes::FileShapes(Bytes layout, const FileShapes* base) {
    if (layout.size == 0) {
        extended_ = base == nullptr ? nullptr : base->extended_;
        return;
    }
    auto shapes = std::make_shared<Shapes>(kShapes);
    const std::size_t entries = std::min(layout.size / kLayoutSize, kMaxKinds);
    // Skips kind 0: void has no records.
    for (std::size_t kind = 1; kind < entries; ++kind) {
        Shape& shape = (*shapes)[kind];
        const std::byte* entry = layout.data + kind * kLayoutSize;
        const auto fixed = static_cast<std::uint8_t>(entry[LayoutField::fixed]);
        const auto element = static_cast<std::uint8_t>(entry[LayoutField::element]);
        // Sizes must be multiples of 4, as in libbpf's btf_type_size_unknown.
        if (!shape.known && fixed % 4 == 0 && element % 4 == 0) {
            shape.known = true;
            shape.fixed = fixed;
            shape.element = element;
        }
    }
    extended_ = std::move(shapes);
}

}  // namespace btfmmap
