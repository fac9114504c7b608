#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/bytes.hpp"

namespace btfmmap {

// The string section, after those of the base. Looks for a NUL each time and no further than the section's
// end: the bytes may belong to someone who changes them.
class Strings {
public:
    // `base` outlives it; nullptr for a BTF that stands alone.
    Strings(Bytes section, const Strings* base)
        : section_(section), base_(base), start_(base == nullptr ? 0 : base->end()) {}

    // Offsets from here on are in this section, lower ones in the base's.
    std::uint64_t start() const { return start_; }
    std::uint64_t end() const { return start_ + section_.size; }

    // The string at `offset`, up to its NUL. Throws Error (not_found) past the section.
    std::string_view at(std::int64_t offset) const;

    // From `offset`, which is below end(), to the end of the section it is in: the string and what follows
    // it.
    Bytes rest(std::uint64_t offset) const {
        const Strings* owner = this;
        while (offset < owner->start_) {
            owner = owner->base_;
        }
        const std::size_t skipped = offset - owner->start_;
        return owner->section_.slice(skipped, owner->section_.size - skipped);
    }

    // The same as at(), cut after `most` bytes.
    std::string_view prefix(std::int64_t offset, std::size_t max_size) const;

    // Whether `name` is the string at `offset`, without measuring that string first.
    bool equals(std::int64_t offset, std::string_view name) const;

    // The offsets of `name`, which is neither empty nor contains a NUL: all, or `most` of them.
    std::vector<std::uint64_t> find_offsets(std::string_view name, std::size_t max_count) const;

private:
    // rest(), where there is such an offset; else throws Error (not_found).
    Bytes checked(std::int64_t offset) const;

    Bytes section_;
    const Strings* base_;
    std::uint64_t start_;
};

}  // namespace btfmmap
