#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/block.hpp"
#include "core/base/bytes.hpp"
#include "core/base/endian.hpp"
#include "core/format/wire_format.hpp"
#include "core/index/scan_records.hpp"
#include "core/simd/u8x16.hpp"

namespace btfmmap {

// The offset and kind of each record of a type section. Row r is type ID first_id() + r. A standalone BTF
// starts with void, which has no record; a split BTF continues after its base's last ID.
//
// Record sizes are derived from the index, never read from the records again: the bytes may be changed by
// their owner after the index was built.
class Index {
public:
    // Scans the section. Like libbpf's btf_parse_type_sec, rejects a kind of unknown size and a record that
    // extends past the section's end. The four bytes before the section must be readable; in a blob they
    // belong to the header, which has at least 24 bytes.
    //
    // `types_start` is the section's offset in the blob, used in messages. `base` must outlive the index; it
    // is nullptr for a standalone BTF. Throws Error (format).
    Index(Bytes types, ByteOrder order, const Shapes& shapes, const Index* base, std::uint64_t types_start);

    std::size_t rows() const { return rows_; }
    // The first row that has a record.
    std::size_t first_record() const { return base_ == nullptr ? 1 : 0; }

    std::uint32_t first_id() const { return first_id_; }
    // One past the last type ID.
    std::uint32_t end_id() const { return static_cast<std::uint32_t>(first_id_ + rows_); }
    std::uint32_t id(std::size_t row) const { return static_cast<std::uint32_t>(first_id_ + row); }

    // Returns the index, this one or one of its bases, that contains a type ID below end_id().
    const Index& owner(std::uint32_t type_id) const {
        const Index* index = this;
        while (type_id < index->first_id_) {
            index = index->base_;
        }
        return *index;
    }
    Kind kind_of(std::uint32_t type_id) const {
        const Index& index = owner(type_id);
        return index.kind(type_id - index.first_id_);
    }

    ByteOrder order() const { return order_; }

    // Upper bounds of the name offsets and of the type IDs in the heads of all records.
    const MaxReferences& max_references() const { return max_references_; }

    // rows() + 1 elements; the last is the section's size. kMaskBits - 1 elements of slack (see u8x16.hpp)
    // follow.
    const std::uint32_t* offsets() const { return offsets_; }
    // rows() elements, followed by kMaskBits elements of slack that hold Void.
    const std::uint8_t* kinds() const { return kinds_; }

    Kind kind(std::size_t row) const { return static_cast<Kind>(kinds_[row]); }
    const std::byte* record(std::size_t row) const { return types_.data + offsets_[row]; }

    std::uint32_t load(const std::byte* word) const {
        return order_ == ByteOrder::little ? Load<ByteOrder::little>::u32(word)
                                           : Load<ByteOrder::big>::u32(word);
    }
    std::uint32_t name_off(std::size_t row) const {
        return row < first_record() ? 0 : load(record(row) + HeadField::name_off);
    }

    // Returns the number of elements after a record's head and fixed part. `shape` is that of the record's
    // kind. Where speed matters it should be a compile-time constant, because this divides by the element
    // size.
    std::uint32_t elements(std::size_t row, const Shape& shape) const {
        const std::uint32_t size = offsets_[row + 1] - offsets_[row];
        return (size - static_cast<std::uint32_t>(kHeadSize) - shape.fixed) / shape.element;
    }

private:
    Bytes types_;
    ByteOrder order_;
    const Index* base_;
    std::uint32_t first_id_;
    std::size_t rows_ = 0;
    MaxReferences max_references_;
    Block offsets_memory_, kinds_memory_;
    std::uint32_t* offsets_ = nullptr;
    std::uint8_t* kinds_ = nullptr;
};

}  // namespace btfmmap
