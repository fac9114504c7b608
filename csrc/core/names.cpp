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

std::string_view void_or(std::uint32_t type_id, std::string_view name) {
    return type_id == 0 ? std::string_view("void") : name;
}

}  // namespace

std::string_view type_name(const Index& index, const Strings& strings, std::uint32_t type_id) {
    return void_or(type_id, strings.at(index.name_off(type_id)));
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
    // From the highest id down, so that each chain ascends.
    for (auto id = static_cast<std::uint32_t>(index.rows()); id-- != 0;) {
        const std::string_view name = void_or(id, strings.prefix(index.name_off(id), kHashedBytes));
        if (name.empty()) {
            continue;
        }
        std::uint32_t& head = heads_[hash(name) & mask_];
        next_[id] = head;
        head = id;
    }
}

std::uint32_t Names::first(std::string_view name) const {
    return name.empty() ? kEnd : heads_[hash(name) & mask_];
}

bool Names::matches(std::uint32_t id, std::string_view name, const Kinds& kinds) const {
    if (!kinds[index_.kinds()[id]]) {
        return false;
    }
    return id == 0 ? name == "void" : strings_.equals(index_.name_off(id), name);
}

std::optional<std::uint32_t> Names::find(std::string_view name, const Kinds& kinds) const {
    for (std::uint32_t id = first(name); id != kEnd; id = next_[id]) {
        if (matches(id, name, kinds)) {
            return id;
        }
    }
    return std::nullopt;
}

std::vector<std::uint32_t> Names::find_all(std::string_view name, const Kinds& kinds) const {
    std::vector<std::uint32_t> ids;
    for (std::uint32_t id = first(name); id != kEnd; id = next_[id]) {
        if (matches(id, name, kinds)) {
            ids.push_back(id);
        }
    }
    return ids;
}

}  // namespace btfmmap
