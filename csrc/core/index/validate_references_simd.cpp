#include <algorithm>
#include <array>
#include <cstring>

#include "core/index/rows_of_kind.hpp"
#include "core/index/validate_references.hpp"
#include "core/simd/u32x4.hpp"

// Scalar validation branches on each record's kind and number of elements, and most of these branches are
// mispredicted. Here all records are treated alike.
//
// The bytes after a record's head are processed in chunks: of three vectors, or of two wide ones with AVX2. A
// table contains the largest valid value of each word in a chunk, for each kind. Words past the record's end
// count as zero.
//
// The first chunk of every record is validated. Records with more chunks are collected without a branch and
// finished afterwards. The loops are in functions that are not inlined: a merged function would have too few
// registers.

namespace btfmmap {

namespace {

using std::uint32_t;

constexpr std::size_t kKnownKinds = static_cast<std::size_t>(Kind::Enum64) + 1;

// The largest valid name offset and type ID.
struct Limits {
    uint32_t name_off;
    uint32_t type;
};

// Chunks start this many bytes after one another: after a number of elements of 8 or 12 bytes, so that they
// all have the same pattern. The bytes of a chunk past that are validated twice.
constexpr std::size_t kStride = 48;

// The largest valid value of each word in a chunk.
template <class Vector>
struct alignas(64) Pattern {
    static constexpr std::size_t kVectors = (kStride + sizeof(Vector) - 1) / sizeof(Vector);
    static constexpr std::size_t kLanes = sizeof(Vector) / sizeof(uint32_t);
    static constexpr std::size_t kWords = kVectors * kLanes;
    static constexpr std::size_t kBytes = kVectors * sizeof(Vector);

    Vector limit[kVectors];
};

uint32_t largest_valid(const Shape& shape, std::size_t offset, Limits limits) {
    if (offset < shape.fixed) {
        return offset / sizeof(uint32_t) < shape.fixed_types ? limits.type : UINT32_MAX;
    }
    const auto at =
        shape.element == 0 ? Shape::kNone : static_cast<int>((offset - shape.fixed) % shape.element);
    return at == Shape::kNone         ? UINT32_MAX
           : at == shape.element_name ? limits.name_off
           : at == shape.element_type ? limits.type
                                      : UINT32_MAX;
}

template <class Load, class Vector>
class SimdValidator {
public:
    SimdValidator(const Index& index, Limits limits)
        : index_(index), section_end_(index.record(index.rows())) {
        for (std::size_t word = 0; word != Chunk::kWords; ++word) {
            const std::size_t offset = word * sizeof(uint32_t);
            byte_offset_[word / kLanes][word % kLanes] = static_cast<std::int32_t>(offset);
            for (std::size_t kind = 0; kind != kKnownKinds; ++kind) {
                patterns_[kind].limit[word / kLanes][word % kLanes] =
                    largest_valid(kShapes[kind], offset, limits);
            }
        }
    }

    // Validates all references except those in record heads.
    bool all_in_range() {
        // The chunks of the last records may extend past the section's end.
        const std::size_t simd_rows = rows_before(Chunk::kBytes) / kMaskBits * kMaskBits;
        const RowsWithReferences rows(index_, simd_rows);
        for (Block block(rows); block.next();) {
            if constexpr (kLanes == kU32Lanes) {
                validate_block_baseline(block);
            } else {
                validate_block_avx2(block);
            }
        }
        for (std::size_t row = std::max(simd_rows, index_.first_record()); row != index_.rows(); ++row) {
            if (index_.kinds()[row] < kKnownKinds) {
                validate_from(static_cast<uint32_t>(row), 0, valid_);
            }
        }
        bool valid = true;
        for (std::size_t lane = 0; lane != kLanes; ++lane) {
            valid &= valid_[lane] != 0;
        }
        return valid;
    }

private:
    using Chunk = Pattern<Vector>;
    using Mask = decltype(Vector{} <= Vector{});
    static constexpr std::size_t kLanes = Chunk::kLanes;

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

    [[gnu::noinline]] void validate_block_baseline(const Block& block) { validate_block(block); }
    BTFMMAP_AVX2 [[gnu::noinline]] void validate_block_avx2(const Block& block) { validate_block(block); }

    [[gnu::always_inline]] void validate_block(const Block& block) {
        std::uint16_t long_rows[Block::kRows];
        std::uint16_t* long_rows_end = long_rows;
        Mask valid = valid_;
        const std::byte* elements = index_.record(0) + kHeadSize;
        const uint32_t* offsets = index_.offsets() + block.first();
        const std::uint8_t* kinds = index_.kinds() + block.first();
        for (const std::uint16_t relative_row : block) {
            const auto size =
                static_cast<std::int32_t>(offsets[relative_row + 1] - offsets[relative_row] - kHeadSize);
            validate_chunk(patterns_[kinds[relative_row]], elements + offsets[relative_row], size, valid);
            *long_rows_end = relative_row;
            long_rows_end += size > static_cast<std::int32_t>(Chunk::kBytes);
        }
        for (const std::uint16_t* relative_row = long_rows; relative_row != long_rows_end; ++relative_row) {
            validate_from(block.first() + *relative_row, kStride, valid);
        }
        valid_ = valid;
    }

    // Validates what follows a record's head, from byte `start_offset` on.
    [[gnu::always_inline]] void validate_from(uint32_t row, std::size_t start_offset, Mask& valid) const {
        const Chunk& pattern = patterns_[index_.kinds()[row]];
        const std::byte* end = index_.record(row + 1);
        for (const std::byte* start = index_.record(row) + kHeadSize + start_offset; start < end;
             start += kStride) {
            const auto size = static_cast<std::int32_t>(end - start);
            if (static_cast<std::size_t>(section_end_ - start) >= Chunk::kBytes) {
                validate_chunk(pattern, start, size, valid);
            } else {
                std::byte end_of_section[Chunk::kBytes] = {};
                std::memcpy(end_of_section, start, static_cast<std::size_t>(section_end_ - start));
                validate_chunk(pattern, end_of_section, size, valid);
            }
        }
    }

    // Clears a lane of `valid` if a reference in the first `size` bytes of a chunk is out of range.
    [[gnu::always_inline]] void validate_chunk(const Chunk& pattern, const std::byte* chunk,
                                               std::int32_t size, Mask& valid) const {
        for (std::size_t i = 0; i != Chunk::kVectors; ++i) {
            Vector words;
            std::memcpy(&words, chunk + i * sizeof words, sizeof words);
            swap_to_host_order<Load>(words);
            words &= reinterpret_cast<Vector>(byte_offset_[i] < size);
            valid &= words <= pattern.limit[i];
        }
    }

    const Index& index_;
    const std::byte* section_end_;
    std::array<Chunk, kKnownKinds> patterns_;
    Mask byte_offset_[Chunk::kVectors];
    Mask valid_ = Vector{} <= Vector{};
};

// Whether the types of all FUNCs are FUNC_PROTOs. The types' IDs are checked again: the bytes may have
// changed.
template <class Load, bool split>
[[gnu::noinline]] bool functions_have_prototypes(const Index& index) {
    constexpr auto wanted = static_cast<std::uint8_t>(Kind::FuncProto);
    uint32_t difference = 0;
    const auto rows = static_cast<uint32_t>(index.rows());
    const std::uint8_t* kinds = index.kinds();
    const std::byte* types = index.record(0) + HeadField::size_or_type;
    const RowsOfKind<Kind::Func> functions(index);
    for (RowsOfKind<Kind::Func>::Block block(functions); block.next();) {
        const uint32_t* offsets = index.offsets() + block.first();
        for (const std::uint16_t relative_row : block) {
            const uint32_t type = Load::u32(types + offsets[relative_row]);
            if constexpr (split) {
                difference |= type >= index.end_id() || index.kind_of(type) != Kind::FuncProto;
            } else {
                difference |= kinds[std::min(type, rows)] ^ wanted;  // void follows the last row
            }
        }
    }
    return difference == 0;
}

template <class Load, class Vector>
bool references_valid(const Index& index, Limits limits) {
    return SimdValidator<Load, Vector>(index, limits).all_in_range() &&
           (index.first_id() == 0 ? functions_have_prototypes<Load, false>(index)
                                  : functions_have_prototypes<Load, true>(index));
}

}  // namespace

bool references_valid_simd(const Index& index, std::uint64_t strings_end, Vectors vectors) {
    if (strings_end == 0 || strings_end > UINT32_MAX) {
        return false;
    }
    const Limits limits{static_cast<uint32_t>(strings_end - 1), index.end_id() - 1};
    const MaxReferences max_references = index.max_references();
    return max_references.name_off <= limits.name_off && max_references.type <= limits.type &&
           with_byte_order(index.order(), [&](auto load) {
               using Load = decltype(load);
               return vectors == Vectors::avx2 ? references_valid<Load, U32x8>(index, limits)
                                               : references_valid<Load, U32x4>(index, limits);
           });
}

}  // namespace btfmmap
