#pragma once

#include <cstdint>
#include <vector>

#include "core/names/strings.hpp"

namespace btfmmap::kernel_rules {

// Checks names as the kernel does. Letters are those of its table of characters, which is Latin-1's.
class NameCheck {
public:
    explicit NameCheck(const Strings& strings);

    // btf_name_offset_valid. The other functions need a valid offset.
    bool offset_valid(std::uint32_t offset) const { return offset < end_; }

    bool empty(std::uint32_t offset) const;

    // btf_name_valid_identifier
    bool identifier(std::uint32_t offset) {
        return known_[offset] || (is_identifier(offset) && (known_[offset] = true));
    }

    // Loads a name into the cache that identifier() will soon be asked for.
    void prefetch(std::uint32_t offset) const {
        if (offset_valid(offset)) {
            __builtin_prefetch(strings_.rest(offset).data);
        }
    }

    // btf_name_valid_section
    bool section(std::uint32_t offset) const;

private:
    bool is_identifier(std::uint32_t offset) const;

    const Strings& strings_;
    std::uint32_t end_;
    std::vector<bool> known_;  // by offset: an identifier. Most names have several users.
};

}  // namespace btfmmap::kernel_rules
