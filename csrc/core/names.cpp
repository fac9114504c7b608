#include "core/names.hpp"

#include <algorithm>
#include <cstring>

namespace btfmmap {

namespace {

constexpr std::string_view kVoid = "void";

}  // namespace

std::string_view type_name(const Index& index, const Strings& strings, std::uint32_t type_id) {
    const Index& owner = index.owner(type_id);
    const std::uint32_t row = type_id - owner.first_id();
    return row < owner.first_record() ? kVoid : strings.at(owner.name_off(row));
}

void Names::prepare() const {
    std::call_once(once_, [this] {
        order_ = NameOrder::of(index_, strings_);
        if (!order_) {
            table_.emplace(index_, strings_);
        }
        prepared_.store(true, std::memory_order_release);
    });
}

bool Names::has_name(std::uint32_t row, std::string_view name) const {
    const std::uint32_t offset = index_.name_off(row);
    // Checked again: the bytes may have changed since they were.
    return offset < strings_.end() && strings_.equals(offset, name);
}

// Compares the first eight bytes of each name, or all of a shorter one and its NUL.
template <class Visit>
void Names::scan(std::string_view name, Visit visit) const {
    constexpr std::size_t word_size = 8;
    std::byte start[word_size] = {};
    std::memcpy(start, name.data(), std::min(name.size(), word_size));
    const auto wanted = Load<ByteOrder::little>::u64(start);
    const std::size_t compared = std::min(name.size() + 1, word_size);
    const std::uint64_t mask = ~std::uint64_t{0} >> 8 * (word_size - compared);
    const auto rows = static_cast<std::uint32_t>(index_.rows());
    for (auto row = static_cast<std::uint32_t>(index_.first_record()); row != rows; ++row) {
        const std::uint32_t offset = index_.name_off(row);
        if (offset >= strings_.end()) {
            continue;
        }
        const Bytes bytes = strings_.rest(offset);
        const bool differs =
            bytes.size >= word_size && ((Load<ByteOrder::little>::u64(bytes.data) ^ wanted) & mask) != 0;
        if (!differs && strings_.equals(offset, name) && visit(row)) {
            return;
        }
    }
}

template <class Visit>
void Names::each_candidate(std::string_view name, Visit visit) const {
    if (name.empty() || (name == kVoid && index_.first_record() != 0 && visit(0))) {
        return;
    }
    if (!prepared() && scans_left_.fetch_sub(1, std::memory_order_relaxed) > 0) {
        scan(name, visit);
    } else if (!sorted()) {
        table_->each(name, visit);
    } else {
        std::uint32_t row = order_->lower_bound(name);
        while (row != index_.rows() && has_name(row, name) && !visit(row)) {
            ++row;
        }
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
