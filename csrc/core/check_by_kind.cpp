#include <cstring>

#include "core/check.hpp"
#include "core/selection.hpp"

// A check of one record after another takes a branch on each one's kind and on each one's length, and
// mispredicts most. Grouped by kind, records have the same shape. Three vectors at a time, which are four or
// six elements, are compared with what each of their words may be at most; words past the record's end count
// as zero. Some thousand records are done at a time, for all kinds to find them in the cache.

namespace btfmmap {

namespace {

using std::uint32_t;

// Four words; a compiler without vectors for its target makes four operations of each.
using Words = uint32_t __attribute__((vector_size(16)));
using SignedWords = std::int32_t __attribute__((vector_size(16)));

template <class Load>
Words load_words(const std::byte* from) {
    Words words;
    std::memcpy(&words, from, sizeof words);
    if constexpr (Load::order == kHostOrder) {
        return words;
    } else {
        return words >> 24 | (words >> 8 & 0xff00) | (words << 8 & 0xff0000) | words << 24;
    }
}

// What name offsets and type ids may be at most, below 2^31.
struct Limits {
    uint32_t name_off;
    uint32_t type;
};

// Compares the elements of all records of some kinds, whose elements are alike.
template <class Load, Kind kind, Kind... alike>
class Elements {
public:
    Elements(const Index& index, Limits limits) : index_(index) {
        for (std::size_t word = 0; word != 4 * kVectors; ++word) {
            const auto at = static_cast<std::int8_t>(word * sizeof(uint32_t) % kShape.element);
            const bool is_name = at == kShape.element_name;
            const bool is_type = at == kShape.element_type;
            most_[word / 4][word % 4] = is_name ? limits.name_off : is_type ? limits.type : 0;
            refers_[word / 4][word % 4] = is_name || is_type ? UINT32_MAX : 0;
            place_[word / 4][word % 4] = static_cast<std::int32_t>(word * sizeof(uint32_t));
        }
    }

    void compare(std::size_t first, std::size_t last) {
        const std::byte* section_end = index_.record(index_.rows());
        Selection<kind, alike...>(index_, first, last).each([&](uint32_t row) {
            const std::byte* end = index_.record(row + 1);
            for (const std::byte* element = index_.record(row) + kHeadSize; element < end;
                 element += kBytes) {
                const auto left = static_cast<std::int32_t>(end - element);
                if (static_cast<std::size_t>(section_end - element) >= kBytes) {
                    compare_some(element, left);
                } else {
                    std::byte end_of_section[kBytes] = {};
                    std::memcpy(end_of_section, element, static_cast<std::size_t>(left));
                    compare_some(end_of_section, left);
                }
            }
        });
    }

    bool in_range() const {
        const Words past = past_ >> 31;
        return (past[0] | past[1] | past[2] | past[3]) == 0;
    }

private:
    static constexpr Shape kShape = shape_of(kind);
    static constexpr std::size_t kVectors = 3;
    static constexpr std::size_t kBytes = kVectors * sizeof(Words);
    static_assert(kBytes % kShape.element == 0);

    // Of a word below 2^31 and the most that it may be, the difference has the top bit if it is more.
    void compare_some(const std::byte* elements, std::int32_t left) {
        for (std::size_t i = 0; i != kVectors; ++i) {
            const Words inside = reinterpret_cast<Words>(place_[i] < left);
            const Words words = load_words<Load>(elements + i * sizeof(Words)) & refers_[i] & inside;
            past_ |= words | (most_[i] - words);
        }
    }

    const Index& index_;
    Words most_[kVectors];
    Words refers_[kVectors];
    SignedWords place_[kVectors];
    Words past_ = {};
};

template <class Load>
bool arrays_in_range(const Index& index, std::size_t first, std::size_t last) {
    uint32_t most = 0;
    Selection<Kind::Array>(index, first, last).each([&](uint32_t row) {
        const std::byte* array = index.record(row) + kHeadSize;
        most = std::max(most, Load::u32(array + ArrayField::type));
        most = std::max(most, Load::u32(array + ArrayField::index_type));
    });
    return most < index.end_id();
}

template <class Load>
bool functions_have_prototypes(const Index& index, std::size_t first, std::size_t last) {
    bool good = true;
    Selection<Kind::Func>(index, first, last).each([&](uint32_t row) {
        const uint32_t type = Load::u32(index.record(row) + HeadField::size_or_type);
        good &= type < index.end_id() && index.kind_of(type) == Kind::FuncProto;
    });
    return good;
}

template <class Load>
bool in_range(const Index& index, Limits limits) {
    constexpr std::size_t kRowsAtOnce = 64 * kMaskedBytes;
    const Extremes heads = index.heads();
    bool good = heads.name_off <= limits.name_off && heads.type <= limits.type;
    Elements<Load, Kind::Struct, Kind::Union> members(index, limits);
    Elements<Load, Kind::FuncProto> params(index, limits);
    Elements<Load, Kind::Enum> values(index, limits);
    Elements<Load, Kind::Enum64> wide_values(index, limits);
    Elements<Load, Kind::Datasec> entries(index, limits);
    for (std::size_t first = 0; good && first < index.rows(); first += kRowsAtOnce) {
        const std::size_t last = std::min(first + kRowsAtOnce, index.rows());
        members.compare(first, last);
        params.compare(first, last);
        values.compare(first, last);
        wide_values.compare(first, last);
        entries.compare(first, last);
        good &=
            arrays_in_range<Load>(index, first, last) && functions_have_prototypes<Load>(index, first, last);
    }
    return good && members.in_range() && params.in_range() && values.in_range() && wide_values.in_range() &&
           entries.in_range();
}

}  // namespace

bool references_in_range(const Index& index, std::uint64_t strings_end) {
    constexpr std::uint64_t top_bit = std::uint64_t{1} << 31;
    if (strings_end == 0 || strings_end > top_bit || index.end_id() > top_bit) {
        return false;
    }
    const Limits limits{static_cast<uint32_t>(strings_end - 1), index.end_id() - 1};
    return with_loads(index.order(), [&](auto load) { return in_range<decltype(load)>(index, limits); });
}

}  // namespace btfmmap
