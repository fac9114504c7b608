#include <algorithm>
#include <array>
#include <cstring>

#include "core/index/rows_of_kind.hpp"
#include "core/index/validate_references.hpp"
#include "core/simd/u32x4.hpp"

// Scalar validation branches on each record's kind and number of elements, and most of these branches are
// mispredicted. Here all records are treated alike.
//
// The bytes after a record's head are processed in chunks of three vectors, which hold four or six elements.
// A table contains the largest valid value of each word in a chunk, for each kind. Words that are not
// references or lie past the record's end count as zero.
//
// The first chunk of every record is validated. Records with more chunks are collected without a branch and
// finished afterwards. The loops are in functions that are not inlined: a merged function would have too few
// registers.

namespace btfmmap {

namespace {

using std::uint32_t;

constexpr std::size_t kChunkVectors = 3;
constexpr std::size_t kChunkBytes = kChunkVectors * sizeof(U32x4);
constexpr std::size_t kChunkWords = kChunkBytes / sizeof(uint32_t);

// The largest valid name offset and type ID, both below 2^31.
struct Limits {
    uint32_t name_off;
    uint32_t type;
};

// Describes the words of a chunk. `reference_mask` is all ones for a word that is a reference. `headroom` is
// how much can be added to the largest valid value of a word before bit 31 is set. The alignment turns
// indexing an array into a shift.
struct alignas(128) Pattern {
    U32x4 reference_mask[kChunkVectors] = {};
    U32x4 headroom[kChunkVectors] = {};
    bool has_references = false;
};

Pattern pattern_of(const Shape& shape, Limits limits) {
    Pattern pattern;
    for (std::size_t word = 0; word != kChunkWords; ++word) {
        const std::size_t offset = word * sizeof(uint32_t);
        bool is_name = false;
        bool is_type = false;
        if (offset < shape.fixed) {
            is_type = word < shape.fixed_types;
        } else if (shape.element != 0) {
            const auto at = static_cast<int>((offset - shape.fixed) % shape.element);
            is_name = at == shape.element_name;
            is_type = at == shape.element_type;
        }
        if (is_name || is_type) {
            pattern.has_references = true;
            const uint32_t limit = is_name ? limits.name_off : limits.type;
            pattern.reference_mask[word / 4][word % 4] = UINT32_MAX;
            pattern.headroom[word / 4][word % 4] = (uint32_t{1} << 31) - 1 - limit;
        }
    }
    return pattern;
}

template <class Load>
class SimdValidator {
public:
    SimdValidator(const Index& index, Limits limits)
        : index_(index), section_end_(index.record(index.rows())) {
        for (std::size_t kind = 0; kind != kMaxKinds; ++kind) {
            patterns_[kind] = pattern_of(kShapes[kind], limits);
        }
        for (std::size_t word = 0; word != kChunkWords; ++word) {
            byte_offset_[word / 4][word % 4] = static_cast<std::int32_t>(word * sizeof(uint32_t));
        }
    }

    // Validates all references except those in record heads.
    bool all_in_range() {
        // The chunks of the last records may extend past the section's end.
        const std::size_t simd_rows = rows_before(kChunkBytes) / kMaskBits * kMaskBits;
        const RowsWithReferences rows(index_, simd_rows);
        for (Block block(rows); block.next();) {
            validate_block(block);
        }
        for (std::size_t row = std::max(simd_rows, index_.first_record()); row != index_.rows(); ++row) {
            if (patterns_[index_.kinds()[row]].has_references) {
                validate_rest(static_cast<uint32_t>(row), 0);
            }
        }
        const U32x4 overflow = overflow_ >> 31;
        return (overflow[0] | overflow[1] | overflow[2] | overflow[3]) == 0;
    }

private:
    // The kinds with references after the record's head.
    using RowsWithReferences = RowsOfKind<Kind::Array, Kind::Struct, Kind::Union, Kind::Enum, Kind::FuncProto,
                                          Kind::Datasec, Kind::Enum64>;
    using Block = typename RowsWithReferences::Block;

    // Returns the number of records that end at least `bytes` bytes before the section does.
    std::size_t rows_before(std::size_t bytes) const {
        const uint32_t* ends = index_.offsets() + 1;
        const std::size_t size = index_.offsets()[index_.rows()];
        return size < bytes ? 0
                            : static_cast<std::size_t>(
                                  std::upper_bound(ends, ends + index_.rows(), size - bytes) - ends);
    }

    [[gnu::noinline]] void validate_block(const Block& block) {
        std::uint16_t long_rows[Block::kRows];
        std::uint16_t* long_rows_end = long_rows;
        U32x4 overflow = overflow_;
        const std::byte* elements = index_.record(0) + kHeadSize;
        const uint32_t* offsets = index_.offsets() + block.first();
        const std::uint8_t* kinds = index_.kinds() + block.first();
        for (const std::uint16_t relative_row : block) {
            const auto size =
                static_cast<std::int32_t>(offsets[relative_row + 1] - offsets[relative_row] - kHeadSize);
            overflow |= overflow_bits(patterns_[kinds[relative_row]], elements + offsets[relative_row], size);
            *long_rows_end = relative_row;
            long_rows_end += size > static_cast<std::int32_t>(kChunkBytes);
        }
        overflow_ = overflow;
        for (const std::uint16_t* relative_row = long_rows; relative_row != long_rows_end; ++relative_row) {
            validate_rest(block.first() + *relative_row, kChunkBytes);
        }
    }

    // Validates what follows a record's head, from byte `start_offset` on.
    void validate_rest(uint32_t row, std::size_t start_offset) {
        const Pattern& pattern = patterns_[index_.kinds()[row]];
        const std::byte* end = index_.record(row + 1);
        for (const std::byte* start = index_.record(row) + kHeadSize + start_offset; start < end;
             start += kChunkBytes) {
            const auto size = static_cast<std::int32_t>(end - start);
            if (static_cast<std::size_t>(section_end_ - start) >= kChunkBytes) {
                overflow_ |= overflow_bits(pattern, start, size);
            } else {
                std::byte end_of_section[kChunkBytes] = {};
                std::memcpy(end_of_section, start, static_cast<std::size_t>(size));
                overflow_ |= overflow_bits(pattern, end_of_section, size);
            }
        }
    }

    // Returns a vector with bit 31 of some word set if a reference in the first `size` bytes of a chunk is
    // out of range.
    U32x4 overflow_bits(const Pattern& pattern, const std::byte* chunk, std::int32_t size) const {
        U32x4 overflow = {};
        for (std::size_t i = 0; i != kChunkVectors; ++i) {
            const U32x4 inside = reinterpret_cast<U32x4>(byte_offset_[i] < size);
            const U32x4 words =
                load_u32x4<Load>(chunk + i * sizeof(U32x4)) & pattern.reference_mask[i] & inside;
            overflow |= words | (words + pattern.headroom[i]);
        }
        return overflow;
    }

    const Index& index_;
    const std::byte* section_end_;
    std::array<Pattern, kMaxKinds> patterns_;
    I32x4 byte_offset_[kChunkVectors];
    U32x4 overflow_ = {};
};

template <class Load>
[[gnu::noinline]] bool functions_have_prototypes(const Index& index) {
    bool valid = true;
    const uint32_t first_id = index.first_id();
    const std::size_t rows = index.rows();
    const std::uint8_t* kinds = index.kinds();
    const uint32_t* offsets = index.offsets();
    const std::byte* types = index.record(0) + HeadField::size_or_type;
    const RowsOfKind<Kind::Func> functions(index);
    for (RowsOfKind<Kind::Func>::Block block(functions); block.next();) {
        for (const std::uint16_t relative_row : block) {
            const uint32_t type = Load::u32(types + offsets[block.first() + relative_row]);
            const uint32_t row = type - first_id;  // wraps around for a type of the base, past the last row
            valid &= row < rows ? kinds[row] == static_cast<std::uint8_t>(Kind::FuncProto)
                                : type < first_id && index.kind_of(type) == Kind::FuncProto;
        }
    }
    return valid;
}

}  // namespace

bool references_valid_simd(const Index& index, std::uint64_t strings_end) {
    constexpr std::uint64_t top_bit = std::uint64_t{1} << 31;
    if (strings_end == 0 || strings_end > top_bit || index.end_id() > top_bit) {
        return false;
    }
    const Limits limits{static_cast<uint32_t>(strings_end - 1), index.end_id() - 1};
    const MaxReferences max_references = index.max_references();
    return max_references.name_off <= limits.name_off && max_references.type <= limits.type &&
           with_byte_order(index.order(), [&](auto load) {
               using Load = decltype(load);
               return SimdValidator<Load>(index, limits).all_in_range() &&
                      functions_have_prototypes<Load>(index);
           });
}

}  // namespace btfmmap
