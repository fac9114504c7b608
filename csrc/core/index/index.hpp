#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/base/bytes.hpp"
#include "core/base/endian.hpp"
#include "core/format/wire_format.hpp"
#include "core/index/scan_records.hpp"
#include "core/simd/u8x16.hpp"

namespace btfmmap {

// Where each record of a type section is, and of which kind. Row r is type id first_id() + r. A BTF that
// stands alone begins with void, which has no record; a split BTF continues after its base's last id. Sizes
// are taken from here, never from the records again: their bytes may belong to someone who changes them after
// the index was made.
class Index {
public:
    // Walks the section and refuses, as libbpf's btf_parse_type_sec does, a kind of unknown size and a record
    // that does not end within it. The four bytes before the section must be readable too: in a blob there
    // are, for a header of 24 bytes or more precedes it. `types_start` is the section's place in the blob,
    // for messages. `base` outlives the index; nullptr for a BTF that stands alone. Throws Error (format).
    Index(Bytes types, ByteOrder order, const Shapes& shapes, const Index* base, std::size_t types_start);

    std::size_t rows() const { return rows_; }
    // The first row that has a record.
    std::size_t first_record() const { return base_ == nullptr ? 1 : 0; }

    std::uint32_t first_id() const { return first_id_; }
    // One past the last type id.
    std::uint32_t end_id() const { return static_cast<std::uint32_t>(first_id_ + rows_); }
    std::uint32_t id(std::size_t row) const { return static_cast<std::uint32_t>(first_id_ + row); }

    // The index, this or one of its bases, that has a type id below end_id().
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

    // What the heads of all records hold at most, or more.
    const MaxReferences& max_references() const { return max_references_; }

    // rows() + 1 items; kMaskBits - 1 more may be read, but mean nothing.
    const std::uint32_t* offsets() const { return offsets_.get(); }
    // Followed by kMaskBits items that are Void.
    const std::uint8_t* kinds() const { return kinds_.get(); }

    Kind kind(std::size_t row) const { return static_cast<Kind>(kinds_[row]); }
    const std::byte* record(std::size_t row) const { return types_.data + offsets_[row]; }

    std::uint32_t load(const std::byte* word) const {
        return order_ == ByteOrder::little ? Load<ByteOrder::little>::u32(word)
                                           : Load<ByteOrder::big>::u32(word);
    }
    std::uint32_t name_off(std::size_t row) const {
        return row < first_record() ? 0 : load(record(row) + HeadField::name_off);
    }

    // How many elements follow one record's head and fixed part; `shape` is that of its kind, known to the
    // compiler where speed matters, for this divides.
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
    std::unique_ptr<std::uint32_t[]> offsets_;  // rows_ + 1: the last is the section's size
    std::unique_ptr<std::uint8_t[]> kinds_;
};

}  // namespace btfmmap
