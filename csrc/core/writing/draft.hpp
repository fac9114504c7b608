#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/endian.hpp"
#include "core/btf/btf.hpp"
#include "core/writing/string_pool.hpp"

namespace btfmmap::writing {

// The kernel rejects more types (BTF_MAX_TYPE) and more elements per record (BTF_MAX_VLEN).
constexpr std::uint32_t kMaxTypeId = 0xfffff;
constexpr std::uint32_t kMaxVlen = info_vlen(UINT32_MAX);

// In maps from old type IDs to new ones: the type is not written.
constexpr std::uint32_t kDropped = UINT32_MAX;

// The three words that a record starts with.
struct Head {
    Kind kind;
    bool flag = false;
    std::uint32_t vlen = 0;
    std::uint32_t name_off = 0;
    std::uint32_t size_or_type = 0;
};

// Describes a record in messages: "type [7] STRUCT 'flow'".
std::string record_text(std::uint32_t type_id, Kind kind, std::string_view name);

// One entry of a layout section.
struct LayoutEntry {
    std::uint8_t fixed;
    std::uint8_t element;
    std::uint16_t flags;
};

// Returns the layout section that libbpf writes: an entry per known kind.
std::vector<LayoutEntry> known_layout();
// Returns the layout section of a BTF; empty if it has none.
std::vector<LayoutEntry> layout_of(const Btf& btf);

// A BTF that is being written. Records are kept as words in host byte order. Not thread-safe.
class Draft {
public:
    // `base` is nullptr for a standalone BTF. A header with a layout section is written if `layout` is not
    // empty. Throws Error (invalid_argument) if the base has another byte order.
    Draft(ByteOrder order, std::shared_ptr<const Btf> base, std::vector<LayoutEntry> layout = {});

    const std::shared_ptr<const Btf>& base() const { return base_; }
    StringPool& strings() { return strings_; }
    std::uint32_t next_id() const { return static_cast<std::uint32_t>(first_id_ + starts_.size()); }

    // Adds a record of `rest` words after its head, and returns the place of these words, which are zero. The
    // place is valid until the next call. Throws Error (invalid_argument), which names the record, if it
    // exceeds a limit of the format.
    std::uint32_t* add(const Head& head, std::size_t rest);

    // Removes the records from `next_id` on.
    void truncate(std::uint32_t next_id);

    // Returns the bytes of the BTF. References are not validated: opening the result does that.
    std::vector<std::byte> build() const;

    // Returns the record_text() of a record that has this head.
    std::string described(std::uint32_t type_id, const Head& head) const;

private:
    ByteOrder order_;
    std::shared_ptr<const Btf> base_;
    std::vector<LayoutEntry> layout_;
    std::uint32_t first_id_;
    StringPool strings_;
    std::vector<std::uint32_t> words_;
    std::vector<std::uint32_t> starts_;  // of each record in words_
};

}  // namespace btfmmap::writing
