#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/bytes.hpp"

namespace btfmmap {

// The strings of a BTF: those of its base, followed by its own string section. Each access searches for the
// NUL, up to the section's end: the bytes may be changed by their owner at any time.
class Strings {
public:
    // `base` must outlive this object; it is nullptr for a standalone BTF.
    Strings(Bytes section, const Strings* base)
        : section_(section), base_(base), start_(base == nullptr ? 0 : base->end()) {}

    // Offsets from here on are in this section, lower ones in the base's.
    std::uint64_t start() const { return start_; }
    std::uint64_t end() const { return start_ + section_.size; }

    // Returns the string at `offset`, up to its NUL. Throws Error (not_found) past the section.
    std::string_view at(std::int64_t offset) const;

    // Returns the string at `offset`, which must be below end(), and what follows it in its section.
    Bytes rest(std::uint64_t offset) const {
        const Strings* owner = this;
        while (offset < owner->start_) {
            owner = owner->base_;
        }
        return owner->section_.from(offset - owner->start_);
    }

    // Like at(), but returns at most `max_size` bytes.
    std::string_view prefix(std::int64_t offset, std::size_t max_size) const;

    // Like rest(), but throws Error (not_found) if there is no such offset.
    Bytes checked_rest(std::int64_t offset) const {
        if (offset < 0 || static_cast<std::uint64_t>(offset) >= end()) {
            throw_missing(offset);
        }
        return rest(static_cast<std::uint64_t>(offset));
    }

    // Whether `name` is the string at `offset`. Does not measure that string first.
    bool equals(std::int64_t offset, std::string_view name) const;

    // Returns the offsets of `name`, at most `max_count`. `name` must not be empty or contain a NUL.
    std::vector<std::uint64_t> find_offsets(std::string_view name, std::size_t max_count) const;

private:
    // Not inlined, so that callers need no space for the message.
    [[noreturn]] void throw_missing(std::int64_t offset) const;

    Bytes section_;
    const Strings* base_;
    std::uint64_t start_;
};

}  // namespace btfmmap
