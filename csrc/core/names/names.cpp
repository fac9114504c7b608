#include "core/names/names.hpp"

#include <algorithm>
#include <cstring>

#include "core/simd/u32x4.hpp"

namespace btfmmap {

namespace {

constexpr std::string_view kVoid = "void";
// The number of name offsets that scan_offsets() compares with each row.
constexpr std::size_t kMaxOffsets = 4;

}  // namespace

Bytes type_name_start(const Index& index, const Strings& strings, std::uint32_t type_id) {
    const Index& owner = index.owner(type_id);
    const std::uint32_t row = type_id - owner.first_id();
    return row < owner.first_record() ? Bytes{reinterpret_cast<const std::byte*>(kVoid.data()), kVoid.size()}
                                      : strings.checked_rest(owner.name_off(row));
}

std::string_view type_name(const Index& index, const Strings& strings, std::uint32_t type_id) {
    const Bytes start = type_name_start(index, strings, type_id);
    const auto* name = reinterpret_cast<const char*>(start.data);
    return {name, ::strnlen(name, start.size)};
}

const NameTable& Names::table() const {
    return table_.get([this] { return NameTable(index_, strings_); });
}

bool Names::has_name(std::uint32_t row, std::string_view name) const {
    const std::uint32_t offset = index_.name_off(row);
    // Validated again, because the bytes may have changed.
    return offset < strings_.end() && strings_.equals(offset, name);
}

// Compares the names of the first rows directly. If many rows are left, it is faster to search the string
// section for the name, and then the rows for its offsets.
template <class Visit>
void Names::scan(std::string_view name, Visit visit) const {
    constexpr std::size_t few_rows = 4096;
    const std::size_t scanned = std::min(index_.rows(), few_rows);
    if (scan_names(name, index_.first_record(), scanned, visit)) {
        return;
    }
    // A module has few types, but its strings include those of its base.
    constexpr std::uint64_t bytes_per_row = 32;
    if (strings_.end() <= bytes_per_row * (index_.rows() - scanned)) {
        // Asks for one more offset, to detect that there are too many.
        const std::vector<std::uint64_t> offsets = strings_.find_offsets(name, kMaxOffsets + 1);
        if (offsets.empty()) {
            return;
        }
        if (offsets.size() <= kMaxOffsets) {
            with_byte_order(index_.order(),
                            [&](auto load) { scan_offsets<decltype(load)>(name, offsets, scanned, visit); });
            return;
        }
    }
    scan_names(name, scanned, index_.rows(), visit);
}

// Visits the rows whose name is at one of `offsets`, comparing four rows at a time.
template <class Load, class Visit>
void Names::scan_offsets(std::string_view name, const std::vector<std::uint64_t>& offsets, std::size_t first,
                         Visit visit) const {
    U32x4 wanted[kMaxOffsets];
    for (std::size_t i = 0; i != kMaxOffsets; ++i) {
        wanted[i] = U32x4{} + static_cast<std::uint32_t>(offsets[i < offsets.size() ? i : 0]);
    }
    const std::byte* section = index_.record(0);
    const std::uint32_t* records = index_.offsets();
    const std::size_t rows = index_.rows();
    for (std::size_t row = first; row < rows; row += kU32Lanes) {
        const auto record = [=](std::size_t i) { return records[std::min(row + i, rows - 1)]; };
        const U32x4 name_offs =
            gather_triples<Load>(section, {record(0), record(1), record(2), record(3)}).first;
        U32x4 found = {};
        for (const U32x4& offset : wanted) {
            found |= reinterpret_cast<U32x4>(name_offs == offset);
        }
        if (first_set_lane(reinterpret_cast<U8x16>(found)) == sizeof found) {
            continue;
        }
        for (auto one = static_cast<std::uint32_t>(row); one != std::min(row + kU32Lanes, rows); ++one) {
            if (has_name(one, name) && visit(one)) {
                return;
            }
        }
    }
}

// Visits the rows from `first` to `end` that have the name. Compares the first eight bytes of each name
// before the rest; of a shorter name, all bytes and the NUL. Returns whether `visit` returned true.
template <class Visit>
bool Names::scan_names(std::string_view name, std::size_t first, std::size_t end, Visit visit) const {
    constexpr std::size_t chunk_size = 8;
    std::byte prefix[chunk_size] = {};
    std::memcpy(prefix, name.data(), std::min(name.size(), chunk_size));
    const auto wanted = Load<ByteOrder::little>::u64(prefix);
    const std::size_t compared = std::min(name.size() + 1, chunk_size);
    const std::uint64_t compared_bytes = ~std::uint64_t{0} >> 8 * (chunk_size - compared);
    for (auto row = static_cast<std::uint32_t>(first); row != end; ++row) {
        const std::uint32_t offset = index_.name_off(row);
        if (offset >= strings_.end()) {
            continue;
        }
        const Bytes bytes = strings_.rest(offset);
        const bool differs = bytes.size >= chunk_size &&
                             ((Load<ByteOrder::little>::u64(bytes.data) ^ wanted) & compared_bytes) != 0;
        if (!differs && strings_.equals(offset, name) && visit(row)) {
            return true;
        }
    }
    return false;
}

template <class Visit>
void Names::each_match(std::string_view name, Visit visit) const {
    if (name.empty() || name.find('\0') != std::string_view::npos ||
        (name == kVoid && index_.first_record() != 0 && visit(0))) {
        return;
    }
    if (!prepared() && scans_left_.fetch_sub(1, std::memory_order_relaxed) > 0) {
        scan(name, visit);
    } else {
        table().each(name, visit);
    }
}

std::optional<std::uint32_t> Names::find(std::string_view name, const Kinds& kinds) const {
    std::optional<std::uint32_t> found;
    each_match(name, [&](std::uint32_t row) {
        if (kinds[index_.kinds()[row]]) {
            found = index_.id(row);
        }
        return found.has_value();
    });
    return found;
}

std::vector<std::uint32_t> Names::find_all(std::string_view name, const Kinds& kinds) const {
    std::vector<std::uint32_t> ids;
    each_match(name, [&](std::uint32_t row) {
        if (kinds[index_.kinds()[row]]) {
            ids.push_back(index_.id(row));
        }
        return false;
    });
    return ids;
}

}  // namespace btfmmap
