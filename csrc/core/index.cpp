#include "core/index.hpp"

#include <string>

#include "core/error.hpp"

namespace btfmmap {

template <class Load>
void Index::walk(std::size_t types_start) {
    std::uint32_t* offsets = offsets_.get();
    std::uint8_t* kinds = kinds_.get();
    offsets[0] = 0;
    kinds[0] = static_cast<std::uint8_t>(Kind::Void);
    std::size_t rows = 1;
    std::size_t at = 0;
    const auto malformed = [&](const std::string& what) {
        return Error::format("type [" + std::to_string(rows) + "] " + what, types_start + at,
                             static_cast<std::uint32_t>(rows));
    };
    while (at != types_.size) {
        const std::size_t left = types_.size - at;
        if (left < kHeadSize) {
            throw malformed("is cut short: a record has at least " + std::to_string(kHeadSize) + " bytes, " +
                            std::to_string(left) + " are left in the type section");
        }
        const std::uint32_t info = Load::u32(types_.data + at + HeadField::info);
        const std::uint8_t kind = info_kind(info);
        const Shape& shape = kShapes[kind];
        if (!shape.known) {
            throw malformed("has the unknown kind " + std::to_string(kind));
        }
        const std::size_t size = shape.record_size(info_vlen(info));
        if (size > left) {
            throw malformed("is cut short: its record has " + std::to_string(size) + " bytes, " +
                            std::to_string(left) + " are left in the type section");
        }
        offsets[rows] = static_cast<std::uint32_t>(at);
        kinds[rows] = kind;
        ++rows;
        at += size;
        ++counts_[kind].records;
        counts_[kind].elements += info_vlen(info);
    }
    offsets[rows] = static_cast<std::uint32_t>(at);
    rows_ = rows;
}

Index::Index(Bytes types, ByteOrder order, std::size_t types_start) : types_(types), order_(order) {
    // Room for as many rows as could be; pages that stay untouched cost nothing.
    const std::size_t most_rows = 1 + types.size / kHeadSize;
    offsets_.reset(new std::uint32_t[most_rows + 1]);
    kinds_.reset(new std::uint8_t[most_rows]);
    with_loads(order, [&](auto load) { walk<decltype(load)>(types_start); });
}

}  // namespace btfmmap
