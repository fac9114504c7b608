#include "core/index/scan_records.hpp"

#include <string>

#include "core/base/error.hpp"
#include "core/format/kind_text.hpp"

namespace btfmmap {

void scan_records(Bytes types, ByteOrder order, const Shapes& shapes, std::uint64_t types_start,
                  std::uint32_t first_id, ScannedRecords& scanned) {
    const auto malformed = [&](const std::string& what) {
        const auto id = static_cast<std::uint32_t>(first_id + scanned.count);
        return Error::format("type [" + std::to_string(id) + "] " + what, types_start + scanned.end, id);
    };
    with_byte_order(order, [&](auto load) {
        while (scanned.end != types.size) {
            const std::size_t left = types.size - scanned.end;
            if (left < kHeadSize) {
                throw malformed("is cut short: a record has at least " + std::to_string(kHeadSize) +
                                " bytes, " + std::to_string(left) + " are left in the type section");
            }
            const std::byte* head = types.data + scanned.end;
            const std::uint32_t info = load.u32(head + HeadField::info);
            const std::uint8_t kind = info_kind(info);
            const Shape& shape = shapes[kind];
            if (!shape.known) {
                throw malformed("has the unknown kind " + std::to_string(kind) +
                                ", and no layout section says how long its records are" +
                                upcoming_kind_hint(kind));
            }
            const std::uint64_t size = shape.record_size(info_vlen(info));
            if (size > left) {
                throw malformed("is cut short: its record has " + std::to_string(size) + " bytes, " +
                                std::to_string(left) + " are left in the type section");
            }
            scanned.offsets[scanned.count] = static_cast<std::uint32_t>(scanned.end);
            scanned.kinds[scanned.count] = kind;
            ++scanned.count;
            scanned.end += in_memory(size);
            scanned.max_references.merge({load.u32(head + HeadField::name_off),
                                          shape.head_refers ? load.u32(head + HeadField::size_or_type) : 0});
        }
    });
}

}  // namespace btfmmap
