#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.hpp"
#include "core/btf/btf.hpp"

namespace btfmmap::writing {

// The kernel rejects a larger name offset (BTF_MAX_NAME_OFFSET). Offsets of a split BTF include its base's.
constexpr std::uint32_t kMaxNameOffset = 0xffffff;

// The strings of a BTF that is being written. Each string is stored once, in the order of first use; "" comes
// first. A split BTF uses the strings of its base where they exist, as libbpf's btf__add_str does.
class StringPool {
public:
    // `base` is nullptr for a standalone BTF.
    explicit StringPool(std::shared_ptr<const Btf> base);

    // Returns the offset of a string, which is added unless it is there. Throws Error (invalid_argument) if
    // the text contains a NUL, or if its offset would exceed kMaxNameOffset.
    std::uint32_t add(std::string_view text);

    // Whether no string was added.
    bool unused() const { return section_.size() == (base_ == nullptr ? 1 : 0); }
    // Replaces the section of an unused pool, so that offsets into `section` stay what they are. The section
    // must be one that parse_header() accepts.
    void adopt(Bytes section);

    // One past the last offset.
    std::uint64_t end() const { return start_ + section_.size(); }
    const std::string& section() const { return section_; }

    // Returns the string at `offset`, at most `max_size` bytes of it; "" past the end.
    std::string_view text(std::uint32_t offset, std::size_t max_size) const;

private:
    struct Slot {
        std::uint32_t hash;
        std::uint32_t offset;  // 0 if the slot is free: "" is not in the table
    };

    void index_sections();
    void index_section(Bytes section, std::uint64_t start);
    bool is_at(std::uint32_t offset, std::string_view text) const;
    // Returns the slot of a string, or the free one where it belongs.
    std::size_t slot_of(std::string_view text, std::uint32_t hash) const;
    void insert(std::size_t slot, std::uint32_t hash, std::uint32_t offset);

    std::shared_ptr<const Btf> base_;
    std::uint64_t start_;  // offsets from here on are in section_, lower ones in the base's
    std::string section_;
    bool indexed_;  // whether slots_ has the strings of the sections that were there at first
    std::vector<Slot> slots_;
    std::size_t used_slots_ = 0;
};

}  // namespace btfmmap::writing
