#pragma once

#include <cstdint>

#include "core/base/arena.hpp"
#include "core/index/index.hpp"

namespace btfmmap {

// What every type of one BTF is below typedefs and qualifiers, its size and its alignment, found once for
// all: each is then an array access. Types refer to one another in any order and, in a hostile file, in
// circles or in chains of millions, so nothing here recurses.
class Sizes {
public:
    // `pointer_size` in bytes; `base` is that of the BTF's base, which outlives it; nullptr where there is
    // none. References past the last id count as void.
    Sizes(const Index& index, std::uint32_t pointer_size, const Sizes* base);

    static constexpr std::uint32_t kNoType = UINT32_MAX;
    static constexpr std::int64_t kUnknown = -1;

    // Without TYPEDEF, CONST, VOLATILE, RESTRICT and TYPE_TAG; kNoType where they go round in circles.
    std::uint32_t resolved(std::uint32_t type_id) const { return at(type_id).resolved; }

    // In bytes, as libbpf's btf__resolve_size has it; kUnknown for what has none (void, FWD, FUNC,
    // FUNC_PROTO), circles, and more than 2^32 - 1 bytes.
    std::int64_t size(std::uint32_t type_id) const { return at(type_id).size(); }

    // In bytes, as libbpf's btf__align_of has it; kUnknown for what has none.
    std::int64_t alignment(std::uint32_t type_id) const {
        const std::uint32_t alignment = at(type_id).alignment;
        return alignment == 0 ? kUnknown : std::int64_t{alignment};
    }

    // The largest natural alignment of a type's members, which a packed struct does not keep; 1 to 65,535.
    // This is pahole's tag__natural_alignment.
    std::uint32_t natural_alignment(std::uint32_t type_id) const { return at(type_id).natural; }

    // What arrays of arrays are made of, below typedefs and qualifiers; kNoType where they go round in
    // circles.
    std::uint32_t element(std::uint32_t type_id) const { return at(type_id).element; }

private:
    // Of typedefs, qualifiers and arrays too: what is asked is one look. 16 bytes, so that those of a kernel
    // fit into a huge page.
    struct Entry {
        std::uint32_t resolved;
        std::uint32_t element;
        std::uint32_t bytes;  // 0 where there is no size
        std::uint16_t natural;
        std::uint8_t alignment;  // 0: unknown; no more than a pointer's
        bool sized;

        std::int64_t size() const { return sized ? std::int64_t{bytes} : kUnknown; }
        void set_size(std::int64_t size) {
            sized = size != kUnknown;
            bytes = sized ? static_cast<std::uint32_t>(size) : 0;
        }
    };

    class Builder;

    static const Entry kNothing;

    const Entry& at(std::uint32_t type_id) const {
        const Sizes* sizes = this;
        while (type_id < sizes->first_id_) {
            sizes = sizes->base_;
        }
        return type_id < sizes->end_id_ ? sizes->entries_[type_id - sizes->first_id_] : kNothing;
    }

    const Sizes* base_;
    std::uint32_t first_id_;
    std::uint32_t end_id_;
    Arena arena_;
    Entry* entries_;
};

}  // namespace btfmmap
