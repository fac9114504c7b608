#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace btfmmap::diff {

// Numbers byte strings: equal strings have one number. Copies the bytes, so that numbers outlive the file.
// The hash is seeded: the author of a file cannot cause collisions.
class Interner {
public:
    // The empty string has the number 0.
    Interner();

    static constexpr std::uint32_t kAbsent = UINT32_MAX;

    std::uint32_t intern(std::string_view text);
    // Like intern(), and faster if the text is one of the two that followed the one with the number
    // `previous` last: two architectures of a kernel take turns.
    std::uint32_t intern_after(std::uint32_t previous, std::string_view text) {
        const std::uint32_t last = entries_[previous].next[0];
        if (this->text(last) == text) {
            return last;
        }
        const std::uint32_t other = entries_[previous].next[1];
        const std::uint32_t found = this->text(other) == text ? other : intern(text);
        entries_[previous].next[0] = found;
        entries_[previous].next[1] = last;
        return found;
    }
    // Makes the memory that is needed to intern some texts, at most kBatch, arrive while other work is done.
    static constexpr std::size_t kBatch = 32;
    void prefetch(const std::string_view* texts, std::size_t count) const;
    // Returns the number of a string; kAbsent if it has none.
    std::uint32_t find(std::string_view text) const;

    // Returns the text of a number. It stays valid as long as the interner.
    std::string_view text(std::uint32_t number) const {
        return {entries_[number].data, entries_[number].size};
    }
    std::uint32_t size() const { return static_cast<std::uint32_t>(entries_.size()); }
    // The memory in bytes.
    std::uint64_t bytes() const {
        return bytes_ + entries_.capacity() * sizeof(Entry) + slots_.capacity() * sizeof(Slot);
    }

private:
    struct Entry {
        const char* data;
        std::uint32_t size;
        std::uint32_t next[2];  // the numbers of the texts that followed last
    };
    struct Slot {
        std::uint32_t hash;
        std::uint32_t entry;  // 1 + the number of an entry; 0 if free
    };

    std::size_t slot(std::string_view text, std::uint32_t hash) const;
    const char* copied(std::string_view text);
    void grow();

    std::uint64_t seed_;
    std::vector<Entry> entries_;
    std::vector<Slot> slots_;
    std::vector<std::unique_ptr<char[]>> chunks_;
    char* free_ = nullptr;
    std::size_t left_ = 0;
    std::uint64_t bytes_ = 0;
};

}  // namespace btfmmap::diff
