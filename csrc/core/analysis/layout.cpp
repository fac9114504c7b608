#include "core/analysis/layout.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "core/analysis/members.hpp"
#include "core/base/error.hpp"
#include "core/btf/record.hpp"
#include "core/index/rows_of_kind.hpp"

namespace btfmmap {

namespace {

using std::int64_t;
using std::uint32_t;
using std::uint64_t;

constexpr int64_t kCacheLine = 64;  // bytes

// The position of a member. Offsets count from the struct's start. The unit of a bitfield is its storage
// unit: the integer that it is part of. The unit of any other member is the member.
struct Member {
    int64_t start_bit;
    int64_t end_bit;
    int64_t bitfield_size;  // in bits; 0 if the member is not a bitfield
    int64_t unit_start;     // in bytes
    int64_t unit_bits;
    uint32_t alignment;  // natural alignment, in bytes
};

struct Holes {
    uint32_t members = 0;
    uint32_t holes = 0;
    uint32_t hole_bytes = 0;
    uint32_t bit_holes = 0;
    uint32_t bit_hole_bits = 0;
    uint32_t padding = 0;
    uint32_t bit_padding = 0;
    bool packed = false;
    bool flexible = false;
};

// The unused space before a member, and the member (or kStart) that it follows.
struct Gap {
    uint32_t bytes = 0;
    uint32_t bits = 0;
    uint32_t follows = MemberPlacement::kStart;
};

template <class Load>
class LayoutReader {
public:
    LayoutReader(const Btf& btf, const Sizes& sizes) : btf_(btf), index_(btf.index()), sizes_(sizes) {}

    // Calls `visit(number, member, gap)` for each member, in the order of offsets. If a member is out of that
    // order, the members before it are visited a second time.
    template <class Visit>
    Holes read(uint32_t row, Visit visit) const {
        const std::byte* record = index_.record(row);
        const bool flag = info_kind_flag(Load::u32(record + HeadField::info));
        const int64_t size = Load::u32(record + HeadField::size_or_type);
        const uint32_t count = index_.elements(row, shape_of(Kind::Struct));
        Holes holes;
        if (index_.kind(row) == Kind::Struct) {
            Scan scan(size);
            uint32_t number = 0;
            for (; number != count; ++number) {
                const Member next = member(record, number, flag);
                if (scan.is_before_end(next)) {
                    break;
                }
                visit(number, next, scan.add(number, next));
            }
            if (number == count) {
                holes = scan.finish();
                holes.flexible = count != 0 && is_flexible_array(record, count - 1);
            } else {
                holes = read_by_offset(row, record, flag, size, visit);
            }
        } else {
            for (uint32_t number = 0; number != count; ++number) {
                visit(number, member(record, number, flag), Gap{});
            }
        }
        holes.members = count;
        return holes;
    }

private:
    // Reads a struct whose members overlap or are not in the order of their offsets.
    template <class Visit>
    Holes read_by_offset(uint32_t row, const std::byte* record, bool flag, int64_t size, Visit visit) const {
        Scan scan(size);
        int64_t last_start = 0;
        uint32_t last = 0;
        for (const uint32_t number : members_by_offset(index_, sizes_, row)) {
            const Member next = member(record, number, flag);
            visit(number, next,
                  scan.is_before_end(next) ? scan.overlap(number, next) : scan.add(number, next));
            if (next.start_bit > last_start || (next.start_bit == last_start && number >= last)) {
                last_start = next.start_bit;
                last = number;
            }
        }
        Holes holes = scan.finish();
        holes.flexible = is_flexible_array(record, last);
        return holes;
    }

    // Finds holes between members that are added in the order of their offsets. Unused bits of a bitfield's
    // storage unit are a bit hole, even if they are whole bytes.
    class Scan {
    public:
        explicit Scan(int64_t size) : size_(size), unit_end_(8 * size) {}

        bool is_before_end(const Member& next) const { return next.start_bit < end_; }

        // Adds a member that starts at or after the end of the previous ones. Returns the gap before it.
        Gap add(uint32_t number, const Member& next) {
            int64_t from = end_;
            uint64_t bits = 0;
            if (in_bitfield_) {
                from = std::min(next.start_bit, unit_end_);
                bits = positive(from - end_);
            }
            uint64_t bytes = 0;
            if (next.bitfield_size != 0) {
                const int64_t unit_start = 8 * next.unit_start;
                if (from < unit_start && unit_start <= next.start_bit) {
                    bytes = positive(unit_start - from) / 8;
                    bits += positive(unit_start - from) % 8;
                    from = unit_start;
                }
                bits += positive(next.start_bit - from);
            } else {
                bytes = positive(next.start_bit - from) / 8;
                bits += positive(next.start_bit - from) % 8;
            }
            const Gap gap{static_cast<uint32_t>(bytes), static_cast<uint32_t>(bits), last_};
            note(gap);
            enter(number, next);
            check_alignment(next);
            return gap;
        }

        // Adds a member that starts before the end of the previous ones.
        Gap overlap(uint32_t number, const Member& next) {
            const Gap none{0, 0, last_};
            if (next.end_bit > end_) {
                enter(number, next);
            }
            check_alignment(next);
            return none;
        }

        Holes finish() {
            int64_t from = end_;
            uint64_t bits = 0;
            if (in_bitfield_) {
                from = std::max(end_, std::min(8 * size_, unit_end_));
                bits = positive(from - end_);
            }
            const uint64_t rest = positive(std::max<int64_t>(0, 8 * size_ - from));
            holes_.padding = static_cast<uint32_t>(rest / 8);
            holes_.bit_padding = static_cast<uint32_t>(bits + rest % 8);
            // Without holes or padding, only the attribute explains a member that is not aligned.
            holes_.packed =
                holes_.padding == 0 && holes_.holes == 0 && (unaligned_ || size_ % max_alignment_ != 0);
            return holes_;
        }

    private:
        // Converts a number that is not negative.
        static uint64_t positive(int64_t number) { return static_cast<uint64_t>(number); }

        void note(const Gap& gap) {
            holes_.bit_holes += gap.bits != 0;
            holes_.bit_hole_bits += gap.bits;
            holes_.holes += gap.bytes != 0;
            holes_.hole_bytes += gap.bytes;
        }

        void enter(uint32_t number, const Member& member) {
            last_ = number;
            end_ = member.end_bit;
            in_bitfield_ = member.bitfield_size != 0;
            if (!in_bitfield_) {
                unit_bits_ = 0;
                unit_end_ = member.end_bit;
            } else if (member.end_bit > unit_end_ || member.unit_bits > unit_bits_) {
                unit_bits_ = member.unit_bits;
                unit_end_ = 8 * member.unit_start + unit_bits_;
                // The bitfield started in the previous unit.
                unit_end_ += member.end_bit > unit_end_ ? unit_bits_ : 0;
                unit_end_ = std::max(unit_end_, member.end_bit);  // a bitfield wider than its type
            }
        }

        void check_alignment(const Member& member) {
            max_alignment_ = std::max(max_alignment_, member.alignment);
            unaligned_ |= member.unit_start % member.alignment != 0;
        }

        int64_t size_;
        int64_t unit_end_;
        int64_t unit_bits_ = 0;
        int64_t end_ = 0;                          // in bits: the end of the members so far
        uint32_t last_ = MemberPlacement::kStart;  // the number of the member that ends there
        bool in_bitfield_ = false;
        bool unaligned_ = false;
        uint32_t max_alignment_ = 1;
        Holes holes_;
    };

    static const std::byte* element(const std::byte* record, uint32_t number) {
        return record + kHeadSize + std::size_t{number} * shape_of(Kind::Struct).element;
    }

    uint32_t type_of(const std::byte* element) const {
        const uint32_t type = Load::u32(element + MemberField::type);
        return type < index_.end_id() ? type : 0;  // the bytes may have changed after validation
    }

    Member member(const std::byte* record, uint32_t number, bool flag) const {
        const std::byte* at = element(record, number);
        const uint32_t offset = Load::u32(at + MemberField::offset);
        const uint32_t type = type_of(at);
        Member member{};
        member.start_bit = member_bit_offset(offset, flag);
        member.bitfield_size = member_bitfield_size(offset, flag);
        member.unit_bits = 8 * std::max<int64_t>(0, sizes_.size(type));
        member.end_bit =
            member.start_bit + (member.bitfield_size != 0 ? member.bitfield_size : member.unit_bits);
        member.unit_start = member.start_bit / 8;
        if (member.bitfield_size != 0 && member.unit_bits != 0) {
            // Storage units are aligned to their size, even in a packed struct.
            member.unit_start = member.start_bit / member.unit_bits * member.unit_bits / 8;
        }
        member.alignment = sizes_.natural_alignment(type);
        return member;
    }

    bool is_flexible_array(const std::byte* record, uint32_t number) const {
        const uint32_t resolved = sizes_.resolved(type_of(element(record, number)));
        if (resolved == Sizes::kNoType) {
            return false;
        }
        const TypeRecord array(btf_, resolved);
        return array.kind() == Kind::Array && array.word(kHeadSize + ArrayField::nelems) == 0;
    }

    const Btf& btf_;
    const Index& index_;
    const Sizes& sizes_;
};

template <class Load>
Table build_layouts(const Btf& btf, const Sizes& sizes, Arena& arena) {
    const RowsOfKind<Kind::Struct, Kind::Union> selection(btf.index());
    const std::size_t rows = selection.records();
    Table table(arena);
    auto* id = table.add<uint32_t>("id", rows);
    auto* size = table.add<uint32_t>("size", rows);
    auto* members = table.add<uint32_t>("members", rows);
    auto* holes = table.add<uint32_t>("holes", rows);
    auto* hole_bytes = table.add<uint32_t>("hole_bytes", rows);
    auto* bit_holes = table.add<uint32_t>("bit_holes", rows);
    auto* bit_hole_bits = table.add<uint32_t>("bit_hole_bits", rows);
    auto* padding = table.add<uint32_t>("padding", rows);
    auto* bit_padding = table.add<uint32_t>("bit_padding", rows);
    auto* cachelines = table.add<uint32_t>("cachelines", rows);
    auto* packed = table.add<bool>("packed", rows);
    auto* flexible = table.add<bool>("flexible", rows);
    const LayoutReader<Load> reader(btf, sizes);
    std::size_t row = 0;
    selection.each([&](uint32_t from) {
        const Holes found = reader.read(from, [](uint32_t, const Member&, Gap) {});
        const int64_t bytes = Load::u32(btf.index().record(from) + HeadField::size_or_type);
        id[row] = btf.index().id(from);
        size[row] = static_cast<uint32_t>(bytes);
        members[row] = found.members;
        holes[row] = found.holes;
        hole_bytes[row] = found.hole_bytes;
        bit_holes[row] = found.bit_holes;
        bit_hole_bits[row] = found.bit_hole_bits;
        padding[row] = found.padding;
        bit_padding[row] = found.bit_padding;
        cachelines[row] = static_cast<uint32_t>((bytes + kCacheLine - 1) / kCacheLine);
        packed[row] = found.packed;
        flexible[row] = found.flexible;
        ++row;
    });
    if (btf.distilled()) {
        std::fill_n(padding, rows, 0);  // the members are missing, their bytes are not padding
    }
    return table;
}

}  // namespace

std::vector<MemberPlacement> member_placements(const Btf& btf, const Sizes& sizes, std::uint32_t type_id) {
    const Index& index = btf.index();
    if (type_id < index.first_id() || type_id >= index.end_id() || !is_composite(index.kind_of(type_id))) {
        throw Error::not_found("type [" + std::to_string(type_id) + "] is not a struct or union");
    }
    const uint32_t row = type_id - index.first_id();
    std::vector<MemberPlacement> found(index.elements(row, shape_of(Kind::Struct)));
    with_byte_order(btf.header().order, [&](auto load) {
        LayoutReader<decltype(load)>(btf, sizes)
            .read(row, [&](uint32_t number, const Member& member, Gap gap) {
                found[number] = {static_cast<uint32_t>(member.unit_start),
                                 static_cast<uint32_t>(member.unit_bits / 8), gap.bytes, gap.bits,
                                 gap.follows};
            });
    });
    return found;
}

LayoutRow layout_row(const Table& layouts, std::uint32_t type_id) {
    const auto& columns = layouts.columns();
    const auto* ids = static_cast<const uint32_t*>(columns[0].data);
    const std::ptrdiff_t row = std::lower_bound(ids, ids + columns[0].rows, type_id) - ids;
    const auto word = [&](std::size_t column) {
        return static_cast<const uint32_t*>(columns[column].data)[row];
    };
    return {word(1), word(2), word(3), word(4), word(5),
            word(6), word(7), word(8), word(9), static_cast<const bool*>(columns[10].data)[row]};
}

std::vector<uint32_t> wasteful_rows(const Table& layouts, std::size_t top) {
    const auto* hole_bytes = static_cast<const uint32_t*>(layouts.column("hole_bytes").data);
    const auto* padding = static_cast<const uint32_t*>(layouts.column("padding").data);
    std::vector<std::pair<uint64_t, uint32_t>> found;  // bytes and row
    for (std::size_t row = 0; row != layouts.columns()[0].rows; ++row) {
        found.emplace_back(uint64_t{hole_bytes[row]} + padding[row], static_cast<uint32_t>(row));
    }
    const auto end = found.begin() + static_cast<std::ptrdiff_t>(std::min(top, found.size()));
    std::partial_sort(found.begin(), end, found.end(), [](const auto& one, const auto& other) {
        return one.first != other.first ? one.first > other.first : one.second < other.second;
    });
    std::vector<uint32_t> rows;
    std::transform(found.begin(), end, std::back_inserter(rows),
                   [](const auto& each) { return each.second; });
    return rows;
}

Table layouts(const Btf& btf, const Sizes& sizes, Arena& arena) {
    return with_byte_order(btf.header().order,
                           [&](auto load) { return build_layouts<decltype(load)>(btf, sizes, arena); });
}

}  // namespace btfmmap
