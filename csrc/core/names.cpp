#include "core/names.hpp"

#include <algorithm>

namespace btfmmap {

namespace {

// Only so much of a name is hashed: a hostile file can point a million records at one name of megabytes.
constexpr std::size_t kHashedBytes = 64;

std::uint32_t hash(std::string_view name) {
    std::uint64_t state = 0xcbf29ce484222325;  // FNV-1a
    for (const char byte : name.substr(0, kHashedBytes)) {
        state = (state ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
    }
    return static_cast<std::uint32_t>(state ^ (state >> 32));
}

// Void's row has no record that could name it.
bool is_void(const Index& index, std::uint32_t row) { return row < index.first_record(); }

std::string_view name_of(const Index& index, const Strings& strings, std::uint32_t row, std::size_t most) {
    return is_void(index, row) ? std::string_view("void") : strings.prefix(index.name_off(row), most);
}

}  // namespace

std::string_view type_name(const Index& index, const Strings& strings, std::uint32_t type_id) {
    const Index& owner = index.owner(type_id);
    return name_of(owner, strings, type_id - owner.first_id(), SIZE_MAX);
}

Names::Names(const Index& index, const Strings& strings) : index_(index), strings_(strings) {
    if (!is_sorted()) {
        build_table();
    }
}

// Whether names ascend, byte by byte and those without one first, as libbpf's btf_check_sorted wants them.
bool Names::is_sorted() const {
    // Names share their first bytes with their neighbours'; where they share megabytes, a table is quicker.
    std::size_t patience = 64 * index_.rows();
    std::uint32_t last_offset = 0;
    std::string_view last;
    for (std::size_t row = index_.first_record(); row != index_.rows(); ++row) {
        const std::uint32_t offset = index_.name_off(row);
        if (offset == last_offset) {
            continue;
        }
        const std::string_view name = strings_.prefix(offset, patience);
        if (name < last || name.size() == patience) {
            return false;
        }
        patience -= name.size();
        last = name;
        last_offset = offset;
    }
    return true;
}

void Names::build_table() {
    std::uint32_t buckets = 16;
    while (buckets < index_.rows()) {
        buckets *= 2;
    }
    mask_ = buckets - 1;
    heads_.reset(new std::uint32_t[buckets]);
    next_.reset(new std::uint32_t[index_.rows()]);
    std::fill_n(heads_.get(), buckets, kEnd);
    // From the highest row down, so that each chain ascends.
    for (auto row = static_cast<std::uint32_t>(index_.rows()); row-- != 0;) {
        const std::string_view name = name_of(index_, strings_, row, kHashedBytes);
        if (name.empty()) {
            continue;
        }
        std::uint32_t& head = heads_[hash(name) & mask_];
        next_[row] = head;
        head = row;
    }
}

std::uint32_t Names::lower_bound(std::string_view name) const {
    auto first = static_cast<std::uint32_t>(index_.first_record());
    auto count = static_cast<std::uint32_t>(index_.rows()) - first;
    while (count != 0) {
        const std::uint32_t half = count / 2;
        // One byte more than the name, so that a longer one comes after it.
        if (strings_.prefix(index_.name_off(first + half), name.size() + 1) < name) {
            first += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return first;
}

template <class Visit>
void Names::each_candidate(std::string_view name, Visit visit) const {
    if (name.empty()) {
        return;
    }
    if (!sorted()) {
        for (std::uint32_t row = heads_[hash(name) & mask_]; row != kEnd; row = next_[row]) {
            if (visit(row)) {
                return;
            }
        }
        return;
    }
    if (is_void(index_, 0) && visit(0)) {
        return;
    }
    for (std::uint32_t row = lower_bound(name); row != index_.rows(); ++row) {
        if (!strings_.equals(index_.name_off(row), name) || visit(row)) {
            return;
        }
    }
}

bool Names::matches(std::uint32_t row, std::string_view name, const Kinds& kinds) const {
    if (!kinds[index_.kinds()[row]]) {
        return false;
    }
    return is_void(index_, row) ? name == "void" : strings_.equals(index_.name_off(row), name);
}

std::optional<std::uint32_t> Names::find(std::string_view name, const Kinds& kinds) const {
    std::optional<std::uint32_t> found;
    each_candidate(name, [&](std::uint32_t row) {
        if (matches(row, name, kinds)) {
            found = index_.id(row);
        }
        return found.has_value();
    });
    return found;
}

std::vector<std::uint32_t> Names::find_all(std::string_view name, const Kinds& kinds) const {
    std::vector<std::uint32_t> ids;
    each_candidate(name, [&](std::uint32_t row) {
        if (matches(row, name, kinds)) {
            ids.push_back(index_.id(row));
        }
        return false;
    });
    return ids;
}

}  // namespace btfmmap
