#pragma once

#include <cstdint>
#include <vector>

#include "core/names/known_identifiers.hpp"
#include "core/names/strings.hpp"

namespace btfmmap::kernel_rules {

// Checks names as the kernel does. Letters are those of its table of characters, which is Latin-1's.
class NameCheck {
public:
    // `identifiers` must outlive this object.
    NameCheck(const Strings& strings, const KnownIdentifiers& identifiers);

    // btf_name_offset_valid. The other functions need a valid offset.
    bool offset_valid(std::uint32_t offset) const { return offset < end_; }

    bool empty(std::uint32_t offset) const;

    // btf_name_valid_identifier
    bool identifier(std::uint32_t offset) { return identifiers_.contains(offset) || is_identifier(offset); }

    // btf_name_valid_section
    bool section(std::uint32_t offset) const;

private:
    bool is_identifier(std::uint32_t offset);

    const Strings& strings_;
    std::uint32_t end_;
    const KnownIdentifiers& identifiers_;
    std::vector<bool> accepted_;  // by offset: other identifiers; most names have several users
};

}  // namespace btfmmap::kernel_rules
