#include "core/analysis/members.hpp"

#include <algorithm>

namespace btfmmap {

namespace {

using std::uint32_t;
using std::uint64_t;

// The sort key of a member packs three values into one number: the bit offset, whether the member has a size,
// and its number in the record. Keys are copies, so the sort is safe even if the bytes change meanwhile.
constexpr unsigned kOffsetBit = 32;
constexpr unsigned kSizedBit = 31;
constexpr uint32_t kNumberMask = info_vlen(UINT32_MAX);
static_assert(kNumberMask < uint32_t{1} << kSizedBit);

}  // namespace

std::vector<uint32_t> members_by_offset(const Index& index, const Sizes& sizes, uint32_t row) {
    const Shape& shape = shape_of(Kind::Struct);
    const std::byte* record = index.record(row);
    const bool flag = info_kind_flag(index.load(record + HeadField::info));
    const uint32_t count = index.elements(row, shape);
    std::vector<uint64_t> keys(count);
    const std::byte* member = record + kHeadSize;
    for (uint32_t number = 0; number != count; ++number, member += shape.element) {
        const uint32_t word = index.load(member + MemberField::offset);
        const bool sized =
            member_bitfield_size(word, flag) != 0 || sizes.size(index.load(member + MemberField::type)) > 0;
        keys[number] =
            uint64_t{member_bit_offset(word, flag)} << kOffsetBit | uint64_t{sized} << kSizedBit | number;
    }
    std::sort(keys.begin(), keys.end());
    std::vector<uint32_t> numbers(count);
    std::transform(keys.begin(), keys.end(), numbers.begin(),
                   [](uint64_t key) { return static_cast<uint32_t>(key) & kNumberMask; });
    return numbers;
}

}  // namespace btfmmap
