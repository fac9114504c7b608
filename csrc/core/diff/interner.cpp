#include "core/diff/interner.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/base/endian.hpp"
#include "core/base/error.hpp"
#include "core/base/seeded_hash.hpp"

namespace btfmmap::diff {

namespace {

constexpr std::size_t kChunk = std::size_t{1} << 16;
constexpr std::size_t kFirstSlots = std::size_t{1} << 15;

std::uint32_t hash_of(std::string_view text, std::uint64_t seed) {
    constexpr std::uint64_t factor = 0xd1342543de82ef95;
    std::uint64_t hash = seed ^ text.size();
    const auto* at = reinterpret_cast<const std::byte*>(text.data());
    std::size_t left = text.size();
    for (; left >= 8; left -= 8, at += 8) {
        hash = (hash ^ Load<ByteOrder::little>::u64(at)) * factor;
        hash ^= hash >> 32;
    }
    std::uint64_t last = 0;
    for (std::size_t i = 0; i != left; ++i) {
        last |= static_cast<std::uint64_t>(at[i]) << (8 * i);
    }
    hash = (hash ^ last) * factor;
    return static_cast<std::uint32_t>((hash ^ hash >> 29) * factor >> 32);
}

}  // namespace

Interner::Interner() : seed_(seeded_hash(0)), slots_(kFirstSlots) { intern({}); }

// Returns the slot of a text: its own, or the free one that it would take.
std::size_t Interner::slot(std::string_view text, std::uint32_t hash) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t slot = hash & mask;
    for (; slots_[slot].entry != 0; slot = (slot + 1) & mask) {
        if (slots_[slot].hash == hash && this->text(slots_[slot].entry - 1) == text) {
            break;
        }
    }
    return slot;
}

std::uint32_t Interner::find(std::string_view text) const {
    const std::uint32_t entry = slots_[slot(text, hash_of(text, seed_))].entry;
    return entry == 0 ? kAbsent : entry - 1;
}

// Each step reads what the one before has asked for.
void Interner::prefetch(const std::string_view* texts, std::size_t count) const {
    std::array<const Slot*, kBatch> slots;
    for (std::size_t i = 0; i != count; ++i) {
        slots[i] = &slots_[hash_of(texts[i], seed_) & (slots_.size() - 1)];
        __builtin_prefetch(slots[i]);
    }
    for (std::size_t i = 0; i != count; ++i) {
        if (slots[i]->entry != 0) {
            __builtin_prefetch(&entries_[slots[i]->entry - 1]);
        }
    }
    for (std::size_t i = 0; i != count; ++i) {
        if (slots[i]->entry != 0) {
            __builtin_prefetch(entries_[slots[i]->entry - 1].data);
        }
    }
}

std::uint32_t Interner::intern(std::string_view text) {
    const std::uint32_t hash = hash_of(text, seed_);
    const std::size_t slot = this->slot(text, hash);
    if (slots_[slot].entry != 0) {
        return slots_[slot].entry - 1;
    }
    if (text.size() > UINT32_MAX || entries_.size() >= UINT32_MAX - 1) {
        throw Error::not_supported("the kernels have too many different names or types");
    }
    entries_.push_back({copied(text), static_cast<std::uint32_t>(text.size()), {0, 0}});
    slots_[slot] = {hash, size()};
    if (entries_.size() > slots_.size() / 2) {
        grow();
    }
    return size() - 1;
}

const char* Interner::copied(std::string_view text) {
    if (text.empty()) {
        return "";
    }
    if (text.size() > left_) {
        const std::size_t chunk = std::max(kChunk, text.size());
        chunks_.push_back(std::make_unique<char[]>(chunk));
        free_ = chunks_.back().get();
        left_ = chunk;
    }
    char* copy = free_;
    std::memcpy(copy, text.data(), text.size());
    free_ += text.size();
    left_ -= text.size();
    bytes_ += text.size();
    return copy;
}

void Interner::grow() {
    std::vector<Slot> slots(2 * slots_.size());
    const std::size_t mask = slots.size() - 1;
    for (const Slot& old : slots_) {
        if (old.entry != 0) {
            std::size_t slot = old.hash & mask;
            while (slots[slot].entry != 0) {
                slot = (slot + 1) & mask;
            }
            slots[slot] = old;
        }
    }
    slots_.swap(slots);
}

}  // namespace btfmmap::diff
