#include "core/index.hpp"

#include <string>

#include "core/error.hpp"

namespace btfmmap {

template <class Load>
void Index::walk(const Shapes& shapes, std::size_t types_start) {
    std::uint32_t* offsets = offsets_.get();
    std::uint8_t* kinds = kinds_.get();
    offsets[0] = 0;
    kinds[0] = static_cast<std::uint8_t>(Kind::Void);
    std::size_t rows = first_record();
    std::size_t at = 0;
    const auto malformed = [&](const std::string& what) {
        return Error::format("type [" + std::to_string(id(rows)) + "] " + what, types_start + at, id(rows));
    };
    while (at != types_.size) {
        const std::size_t left = types_.size - at;
        if (left < kHeadSize) {
            throw malformed("is cut short: a record has at least " + std::to_string(kHeadSize) + " bytes, " +
                            std::to_string(left) + " are left in the type section");
        }
        const std::uint32_t info = Load::u32(types_.data + at + HeadField::info);
        const std::uint8_t kind = info_kind(info);
        const Shape& shape = shapes[kind];
        if (!shape.known) {
            throw malformed("has the unknown kind " + std::to_string(kind) +
                            ", and no layout section says how long its records are");
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

Index::Index(Bytes types, ByteOrder order, const Shapes& shapes, const Index* base, std::size_t types_start)
    : types_(types), order_(order), base_(base), first_id_(base == nullptr ? 0 : base->end_id()) {
    // Room for as many rows as could be; pages that stay untouched cost nothing.
    const std::size_t most_rows = 1 + types.size / kHeadSize;
    if (most_rows > UINT32_MAX - first_id_) {
        throw Error::format("a type section of " + std::to_string(types.size) +
                            " bytes after the base's last type [" + std::to_string(first_id_ - 1) +
                            "] could exceed the ids that 32 bits hold");
    }
    offsets_.reset(new std::uint32_t[most_rows + 1]);
    kinds_.reset(new std::uint8_t[most_rows]);
    with_loads(order, [&](auto load) { walk<decltype(load)>(shapes, types_start); });
}

}  // namespace btfmmap
