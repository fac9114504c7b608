#include "core/index/distilled.hpp"

#include "core/format/shapes.hpp"

namespace btfmmap {

bool is_distilled_base(const Index& index) {
    bool sized_struct = false;
    for (std::size_t row = index.first_record(); row != index.rows(); ++row) {
        const Kind kind = index.kind(row);
        switch (kind) {
            case Kind::Int:
            case Kind::Float:
            case Kind::Fwd:
                break;
            case Kind::Struct:
            case Kind::Union:
                sized_struct |= index.load(index.record(row) + HeadField::size_or_type) != 0;
                [[fallthrough]];
            case Kind::Enum:
                if (index.elements(row, shape_of(kind)) != 0) {
                    return false;
                }
                break;
            default:
                return false;
        }
        if (index.name_off(row) == 0) {
            return false;
        }
    }
    return sized_struct && index.first_id() == 0;
}

}  // namespace btfmmap
