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
    std::uint32_t buckets = 16;
    while (buckets < index.rows()) {
        buckets *= 2;
    }
    mask_ = buckets - 1;
    heads_.reset(new std::uint32_t[buckets]);
    next_.reset(new std::uint32_t[index.rows()]);
    std::fill_n(heads_.get(), buckets, kEnd);
    // From the highest row down, so that each chain ascends.
    for (auto row = static_cast<std::uint32_t>(index.rows()); row-- != 0;) {
        const std::string_view name = name_of(index, strings, row, kHashedBytes);
        if (name.empty()) {
            continue;
        }
        std::uint32_t& head = heads_[hash(name) & mask_];
        next_[row] = head;
        head = row;
    }
}

std::uint32_t Names::first(std::string_view name) const {
    return name.empty() ? kEnd : heads_[hash(name) & mask_];
}

bool Names::matches(std::uint32_t row, std::string_view name, const Kinds& kinds) const {
    if (!kinds[index_.kinds()[row]]) {
        return false;
    }
    return is_void(index_, row) ? name == "void" : strings_.equals(index_.name_off(row), name);
}

std::optional<std::uint32_t> Names::find(std::string_view name, const Kinds& kinds) const {
    for (std::uint32_t row = first(name); row != kEnd; row = next_[row]) {
        if (matches(row, name, kinds)) {
            return index_.id(row);
        }
    }
    return std::nullopt;
}

std::vector<std::uint32_t> Names::find_all(std::string_view name, const Kinds& kinds) const {
    std::vector<std::uint32_t> ids;
    for (std::uint32_t row = first(name); row != kEnd; row = next_[row]) {
        if (matches(row, name, kinds)) {
            ids.push_back(index_.id(row));
        }
    }
    return ids;
}

}  // namespace btfmmap
