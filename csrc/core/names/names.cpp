#include "core/names/names.hpp"

#include <algorithm>
#include <cstring>

#include "core/simd/u32x4.hpp"

namespace btfmmap {

namespace {

constexpr std::string_view kVoid = "void";
constexpr std::size_t kMostPlaces = 4;

}  // namespace

std::string_view type_name(const Index& index, const Strings& strings, std::uint32_t type_id) {
    const Index& owner = index.owner(type_id);
    const std::uint32_t row = type_id - owner.first_id();
    return row < owner.first_record() ? kVoid : strings.at(owner.name_off(row));
}

void Names::prepare() const {
    std::call_once(once_, [this] {
        table_.emplace(index_, strings_);
        prepared_.store(true, std::memory_order_release);
    });
}

bool Names::has_name(std::uint32_t row, std::string_view name) const {
    const std::uint32_t offset = index_.name_off(row);
    // Checked again: the bytes may have changed since they were.
    return offset < strings_.end() && strings_.equals(offset, name);
}

// Looks at the names of some rows; then, which is faster where many are left, for the name itself in the
// string section, and for who points there.
template <class Visit>
void Names::scan(std::string_view name, Visit visit) const {
    constexpr std::size_t few_rows = 4096;
    const std::size_t middle = std::min(index_.rows(), few_rows);
    if (scan_names(name, index_.first_record(), middle, visit)) {
        return;
    }
    // Of a module the types are few, and the strings are its base's, too.
    constexpr std::size_t bytes_per_row = 32;
    if (strings_.end() <= bytes_per_row * (index_.rows() - middle)) {
        // One more, to see whether there are more.
        const std::vector<std::uint64_t> places = strings_.places(name, kMostPlaces + 1);
        if (places.empty()) {
            return;
        }
        if (places.size() <= kMostPlaces) {
            with_loads(index_.order(),
                       [&](auto load) { scan_offsets<decltype(load)>(name, places, middle, visit); });
            return;
        }
    }
    scan_names(name, middle, index_.rows(), visit);
}

// Looks for rows whose name is at one of some places, four rows at once.
template <class Load, class Visit>
void Names::scan_offsets(std::string_view name, const std::vector<std::uint64_t>& places, std::size_t first,
                         Visit visit) const {
    U32x4 wanted[kMostPlaces];
    for (std::size_t i = 0; i != kMostPlaces; ++i) {
        wanted[i] = U32x4{} + static_cast<std::uint32_t>(places[i < places.size() ? i : 0]);
    }
    const std::byte* section = index_.record(0);
    const std::uint32_t* records = index_.offsets();
    const std::size_t rows = index_.rows();
    for (std::size_t row = first; row < rows; row += kLanes) {
        const auto record = [=](std::size_t i) { return records[std::min(row + i, rows - 1)]; };
        const U32x4 offsets =
            gather_triples<Load>(section, {record(0), record(1), record(2), record(3)}).first;
        U32x4 found = {};
        for (const U32x4& place : wanted) {
            found |= reinterpret_cast<U32x4>(offsets == place);
        }
        if (first_marked(reinterpret_cast<U8x16>(found)) == sizeof found) {
            continue;
        }
        for (auto one = static_cast<std::uint32_t>(row); one != std::min(row + kLanes, rows); ++one) {
            if (has_name(one, name) && visit(one)) {
                return;
            }
        }
    }
}

// Compares the first eight bytes of each name, or all of a shorter one and its NUL. Whether `visit` returned
// true.
template <class Visit>
bool Names::scan_names(std::string_view name, std::size_t first, std::size_t end, Visit visit) const {
    constexpr std::size_t word_size = 8;
    std::byte start[word_size] = {};
    std::memcpy(start, name.data(), std::min(name.size(), word_size));
    const auto wanted = Load<ByteOrder::little>::u64(start);
    const std::size_t compared = std::min(name.size() + 1, word_size);
    const std::uint64_t mask = ~std::uint64_t{0} >> 8 * (word_size - compared);
    for (auto row = static_cast<std::uint32_t>(first); row != end; ++row) {
        const std::uint32_t offset = index_.name_off(row);
        if (offset >= strings_.end()) {
            continue;
        }
        const Bytes bytes = strings_.rest(offset);
        const bool differs =
            bytes.size >= word_size && ((Load<ByteOrder::little>::u64(bytes.data) ^ wanted) & mask) != 0;
        if (!differs && strings_.equals(offset, name) && visit(row)) {
            return true;
        }
    }
    return false;
}

template <class Visit>
void Names::each_candidate(std::string_view name, Visit visit) const {
    if (name.empty() || name.find('\0') != std::string_view::npos ||
        (name == kVoid && index_.first_record() != 0 && visit(0))) {
        return;
    }
    if (!prepared() && scans_left_.fetch_sub(1, std::memory_order_relaxed) > 0) {
        scan(name, visit);
    } else {
        prepare();
        table_->each(name, visit);
    }
}

std::optional<std::uint32_t> Names::find(std::string_view name, const Kinds& kinds) const {
    std::optional<std::uint32_t> found;
    each_candidate(name, [&](std::uint32_t row) {
        if (kinds[index_.kinds()[row]]) {
            found = index_.id(row);
        }
        return found.has_value();
    });
    return found;
}

std::vector<std::uint32_t> Names::find_all(std::string_view name, const Kinds& kinds) const {
    std::vector<std::uint32_t> ids;
    each_candidate(name, [&](std::uint32_t row) {
        if (kinds[index_.kinds()[row]]) {
            ids.push_back(index_.id(row));
        }
        return false;
    });
    return ids;
}

}  // namespace btfmmap
