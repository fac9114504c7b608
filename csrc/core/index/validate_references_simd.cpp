#include <algorithm>
#include <array>
#include <cstring>

#include "core/index/rows_of_kind.hpp"
#include "core/index/validate_references.hpp"
#include "core/simd/u32x4.hpp"

// A check of one record after another takes a branch on each one's kind and on how many elements it has, and
// mispredicts most. Here they are all treated alike. What follows a record's head is looked at in stretches
// of three vectors, which are four or six elements; a table has, for each kind, what each of their words may
// be at most. U32x4 that refer to nothing or lie past the record's end count as zero. All records have their
// first stretch looked at, and those that have more are noted and looked at again. The loops are in functions
// that are not inlined: together they would have too few registers.

namespace btfmmap {

namespace {

using std::uint32_t;

constexpr std::size_t kVectors = 3;
constexpr std::size_t kStretch = kVectors * sizeof(U32x4);
constexpr std::size_t kStretchWords = kStretch / sizeof(uint32_t);

// What name offsets and type ids may be at most, below 2^31.
struct Limits {
    uint32_t name_off;
    uint32_t type;
};

// Of the words of a stretch: which ones refer to something, as masks, and how much may be added to them
// before they reach 2^31.
// So large that its place in an array is found by a shift.
struct alignas(128) Pattern {
    U32x4 refers[kVectors] = {};
    U32x4 slack[kVectors] = {};
    bool refers_at_all = false;
};

Pattern pattern_of(const Shape& shape, Limits limits) {
    Pattern pattern;
    for (std::size_t word = 0; word != kStretchWords; ++word) {
        const std::size_t place = word * sizeof(uint32_t);
        bool is_name = false;
        bool is_type = false;
        if (place < shape.fixed) {
            is_type = word < shape.fixed_types;
        } else if (shape.element != 0) {
            const auto at = static_cast<int>((place - shape.fixed) % shape.element);
            is_name = at == shape.element_name;
            is_type = at == shape.element_type;
        }
        if (is_name || is_type) {
            pattern.refers_at_all = true;
            const uint32_t most = is_name ? limits.name_off : limits.type;
            pattern.refers[word / 4][word % 4] = UINT32_MAX;
            pattern.slack[word / 4][word % 4] = (uint32_t{1} << 31) - 1 - most;
        }
    }
    return pattern;
}

template <class Load>
class Checker {
public:
    Checker(const Index& index, Limits limits) : index_(index), section_end_(index.record(index.rows())) {
        for (std::size_t kind = 0; kind != kMaxKinds; ++kind) {
            patterns_[kind] = pattern_of(kShapes[kind], limits);
        }
        for (std::size_t word = 0; word != kStretchWords; ++word) {
            place_[word / 4][word % 4] = static_cast<std::int32_t>(word * sizeof(uint32_t));
        }
    }

    bool in_range() {
        // The last records' stretches do not end in the section.
        const std::size_t quick_rows = rows_before(kStretch) / kMaskedBytes * kMaskedBytes;
        const Referring referring(index_, quick_rows);
        for (Block block(referring); block.next();) {
            compare_block(block);
        }
        for (std::size_t row = std::max(quick_rows, index_.first_record()); row != index_.rows(); ++row) {
            if (patterns_[index_.kinds()[row]].refers_at_all) {
                compare_from(static_cast<uint32_t>(row), 0);
            }
        }
        const U32x4 past = past_ >> 31;
        return (past[0] | past[1] | past[2] | past[3]) == 0;
    }

private:
    // The kinds whose records have references behind their heads.
    using Referring = RowsOfKind<Kind::Array, Kind::Struct, Kind::Union, Kind::Enum, Kind::FuncProto,
                                 Kind::Datasec, Kind::Enum64>;
    using Block = typename Referring::Block;

    // How many records end so many bytes before the section does, or earlier.
    std::size_t rows_before(std::size_t bytes) const {
        const uint32_t* ends = index_.offsets() + 1;
        const std::size_t size = index_.offsets()[index_.rows()];
        return size < bytes ? 0
                            : static_cast<std::size_t>(
                                  std::upper_bound(ends, ends + index_.rows(), size - bytes) - ends);
    }

    [[gnu::noinline]] void compare_block(const Block& block) {
        std::uint16_t longer[Block::kRows];
        std::uint16_t* longer_end = longer;
        U32x4 past = past_;
        const std::byte* elements = index_.record(0) + kHeadSize;
        const uint32_t* offsets = index_.offsets() + block.first();
        const std::uint8_t* kinds = index_.kinds() + block.first();
        for (const std::uint16_t number : block) {
            const auto size = static_cast<std::int32_t>(offsets[number + 1] - offsets[number] - kHeadSize);
            past |= compared(patterns_[kinds[number]], elements + offsets[number], size);
            *longer_end = number;
            longer_end += size > static_cast<std::int32_t>(kStretch);
        }
        past_ = past;
        for (const std::uint16_t* number = longer; number != longer_end; ++number) {
            compare_from(block.first() + *number, kStretch);
        }
    }

    // What follows a record's head, from so many bytes on.
    void compare_from(uint32_t row, std::size_t bytes) {
        const Pattern& pattern = patterns_[index_.kinds()[row]];
        const std::byte* end = index_.record(row + 1);
        for (const std::byte* start = index_.record(row) + kHeadSize + bytes; start < end;
             start += kStretch) {
            const auto size = static_cast<std::int32_t>(end - start);
            if (static_cast<std::size_t>(section_end_ - start) >= kStretch) {
                past_ |= compared(pattern, start, size);
            } else {
                std::byte end_of_section[kStretch] = {};
                std::memcpy(end_of_section, start, static_cast<std::size_t>(size));
                past_ |= compared(pattern, end_of_section, size);
            }
        }
    }

    // Has the top bit set in some word if one of a stretch, of which `size` bytes count, is out of range.
    U32x4 compared(const Pattern& pattern, const std::byte* stretch, std::int32_t size) const {
        U32x4 past = {};
        for (std::size_t i = 0; i != kVectors; ++i) {
            const U32x4 inside = reinterpret_cast<U32x4>(place_[i] < size);
            const U32x4 words = load_u32x4<Load>(stretch + i * sizeof(U32x4)) & pattern.refers[i] & inside;
            past |= words | (words + pattern.slack[i]);
        }
        return past;
    }

    const Index& index_;
    const std::byte* section_end_;
    std::array<Pattern, kMaxKinds> patterns_;
    I32x4 place_[kVectors];
    U32x4 past_ = {};
};

template <class Load>
[[gnu::noinline]] bool functions_have_prototypes(const Index& index) {
    bool good = true;
    const uint32_t first_id = index.first_id();
    const std::size_t rows = index.rows();
    const std::uint8_t* kinds = index.kinds();
    const uint32_t* offsets = index.offsets();
    const std::byte* types = index.record(0) + HeadField::size_or_type;
    const RowsOfKind<Kind::Func> functions(index);
    for (RowsOfKind<Kind::Func>::Block block(functions); block.next();) {
        for (const std::uint16_t number : block) {
            const uint32_t type = Load::u32(types + offsets[block.first() + number]);
            const uint32_t row = type - first_id;  // of a type of the base it is past the rows, too
            good &= row < rows ? kinds[row] == static_cast<std::uint8_t>(Kind::FuncProto)
                               : type < first_id && index.kind_of(type) == Kind::FuncProto;
        }
    }
    return good;
}

}  // namespace

bool references_in_range(const Index& index, std::uint64_t strings_end) {
    constexpr std::uint64_t top_bit = std::uint64_t{1} << 31;
    if (strings_end == 0 || strings_end > top_bit || index.end_id() > top_bit) {
        return false;
    }
    const Limits limits{static_cast<uint32_t>(strings_end - 1), index.end_id() - 1};
    const MaxReferences heads = index.heads();
    return heads.name_off <= limits.name_off && heads.type <= limits.type &&
           with_loads(index.order(), [&](auto load) {
               using Load = decltype(load);
               return Checker<Load>(index, limits).in_range() && functions_have_prototypes<Load>(index);
           });
}

}  // namespace btfmmap
