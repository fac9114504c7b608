#include "core/writing/string_pool.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/error.hpp"
#include "core/base/seeded_hash.hpp"

namespace btfmmap::writing {

namespace {

using std::uint32_t;
using std::uint64_t;

constexpr std::size_t kMinSlots = 64;

// Hashes the whole string: strings of a hostile file may have long common prefixes.
uint32_t hash_of_all(std::string_view text) {
    uint64_t hash = seeded_hash(text.size());
    for (std::size_t at = 0; at < text.size(); at += sizeof hash) {
        uint64_t chunk = 0;
        std::memcpy(&chunk, text.data() + at, std::min(sizeof chunk, text.size() - at));
        hash = seeded_hash(hash ^ chunk) + hash;
    }
    return static_cast<uint32_t>(seeded_hash(hash) >> 32);
}

}  // namespace

StringPool::StringPool(std::shared_ptr<const Btf> base)
    : base_(std::move(base)),
      start_(base_ == nullptr ? 0 : base_->strings().end()),
      section_(base_ == nullptr ? 1 : 0, '\0'),
      indexed_(base_ == nullptr),
      slots_(kMinSlots) {}

void StringPool::adopt(Bytes section) {
    section_.assign(reinterpret_cast<const char*>(section.data), section.size);
    indexed_ = false;
}

std::string_view StringPool::text(uint32_t offset, std::size_t max_size) const {
    if (offset < start_) {
        return base_->strings().prefix(offset, max_size);
    }
    if (offset >= end()) {
        return {};
    }
    const auto at = static_cast<std::size_t>(offset - start_);
    const std::size_t left = section_.size() - at;
    return {section_.data() + at, ::strnlen(section_.data() + at, std::min(left, max_size))};
}

uint32_t StringPool::add(std::string_view text) {
    if (text.empty()) {
        return 0;
    }
    if (text.find('\0') != std::string_view::npos) {
        throw Error::invalid_argument("a string contains a NUL byte");
    }
    if (!indexed_) {
        index_sections();
    }
    const uint32_t hash = hash_of_all(text);
    const std::size_t slot = slot_of(text, hash);
    if (slots_[slot].offset != 0) {
        return slots_[slot].offset;
    }
    if (end() > kMaxNameOffset) {
        throw Error::invalid_argument("a string would have the offset " + std::to_string(end()) +
                                      ", past the kernel's limit of " + std::to_string(kMaxNameOffset));
    }
    const auto offset = static_cast<uint32_t>(end());
    section_.append(text);
    section_.push_back('\0');
    insert(slot, hash, offset);
    return offset;
}

void StringPool::index_sections() {
    if (base_ != nullptr) {
        for (const Btf* level : base_->levels()) {
            index_section(level->string_section(), level->strings().start());
        }
    }
    index_section({reinterpret_cast<const std::byte*>(section_.data()), section_.size()}, start_);
    indexed_ = true;
}

void StringPool::index_section(Bytes section, uint64_t start) {
    const auto* chars = reinterpret_cast<const char*>(section.data);
    for (std::size_t at = 0; at < section.size && start + at <= kMaxNameOffset;) {
        const std::string_view text(chars + at, ::strnlen(chars + at, section.size - at));
        const auto offset = static_cast<uint32_t>(start + at);
        if (!text.empty() && offset != 0) {
            const uint32_t hash = hash_of_all(text);
            const std::size_t slot = slot_of(text, hash);
            if (slots_[slot].offset == 0) {
                insert(slot, hash, offset);
            }
        }
        at += text.size() + 1;
    }
}

bool StringPool::is_at(uint32_t offset, std::string_view text) const {
    if (offset < start_) {
        return base_->strings().equals(offset, text);
    }
    const auto at = static_cast<std::size_t>(offset - start_);
    return section_.size() - at > text.size() && section_.compare(at, text.size(), text) == 0 &&
           section_[at + text.size()] == '\0';
}

std::size_t StringPool::slot_of(std::string_view text, uint32_t hash) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t slot = hash & mask;
    while (slots_[slot].offset != 0 && !(slots_[slot].hash == hash && is_at(slots_[slot].offset, text))) {
        slot = (slot + 1) & mask;
    }
    return slot;
}

void StringPool::insert(std::size_t slot, uint32_t hash, uint32_t offset) {
    slots_[slot] = {hash, offset};
    if (++used_slots_ * 2 <= slots_.size()) {
        return;
    }
    std::vector<Slot> larger(slots_.size() * 2);
    const std::size_t mask = larger.size() - 1;
    for (const Slot& each : slots_) {
        if (each.offset != 0) {
            std::size_t to = each.hash & mask;
            while (larger[to].offset != 0) {
                to = (to + 1) & mask;
            }
            larger[to] = each;
        }
    }
    slots_ = std::move(larger);
}

}  // namespace btfmmap::writing
