#include "core/index/enums.hpp"

namespace btfmmap {

bool enum_is_signed(const Index& index, std::uint32_t row) {
    const Kind kind = index.kind(row);
    const std::byte* record = index.record(row);
    const std::uint32_t size = index.load(record + HeadField::size_or_type);
    if (info_kind_flag(index.load(record + HeadField::info))) {
        return true;
    }
    if (!enum_is_narrow(kind, size) || size == 0) {
        return false;
    }
    const std::size_t step = shape_of(kind).element;
    const std::byte* end = index.record(row + 1);
    for (const std::byte* element = record + kHeadSize; element != end; element += step) {
        if (enum_value(index, kind, element) >> (8 * size) != 0) {
            return true;
        }
    }
    return false;
}

}  // namespace btfmmap
