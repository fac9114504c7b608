#pragma once

#include <cstdint>

#include "core/base/arena.hpp"
#include "core/index/index.hpp"

namespace btfmmap {

// For each type of one BTF: the type below its typedefs and qualifiers, its size and its alignment. All are
// computed at once, so that each query is an array access. The computation does not recurse: in a hostile
// file, types may refer to each other in cycles or in chains of millions.
class Sizes {
public:
    // Without alignments, which take half of the time, alignment() and natural_alignment() have no meaning.
    enum class Alignments : std::uint8_t { computed, left_out };

    // `pointer_size` is in bytes. `base` has the sizes of the BTF's base and must outlive this object; it is
    // nullptr for a standalone BTF. References past the last ID count as void.
    Sizes(const Index& index, std::uint32_t pointer_size, const Sizes* base,
          Alignments alignments = Alignments::computed);

    static constexpr std::uint32_t kNoType = UINT32_MAX;
    static constexpr std::int64_t kUnknown = -1;

    // Returns the type below TYPEDEF, CONST, VOLATILE, RESTRICT and TYPE_TAG; kNoType for a cycle of these.
    std::uint32_t resolved(std::uint32_t type_id) const { return at(type_id).resolved; }

    // Returns the size in bytes, as libbpf's btf__resolve_size does. Returns kUnknown for a type without a
    // size (void, FWD, FUNC, FUNC_PROTO), for a cycle, and for more than 2^32 - 1 bytes.
    std::int64_t size(std::uint32_t type_id) const { return at(type_id).size(); }

    // Returns the alignment in bytes, as libbpf's btf__align_of does; kUnknown for a type without one.
    std::int64_t alignment(std::uint32_t type_id) const {
        const std::uint32_t alignment = at(type_id).alignment;
        return alignment == 0 ? kUnknown : std::int64_t{alignment};
    }

    // Returns the largest natural alignment of a type's members, 1 to 65,535, even if the struct is packed.
    // Corresponds to pahole's tag__natural_alignment.
    std::uint32_t natural_alignment(std::uint32_t type_id) const { return at(type_id).natural; }

    // Returns the innermost element type of an array, below typedefs and qualifiers; the resolved type for
    // other types; kNoType for a cycle.
    std::uint32_t element(std::uint32_t type_id) const { return at(type_id).element; }

private:
    // Typedefs, qualifiers and arrays have complete entries as well, so that a query reads one entry. An
    // entry has 16 bytes, so that those of a kernel fit into a huge page.
    struct Entry {
        std::uint32_t resolved;
        std::uint32_t element;
        std::uint32_t bytes;  // 0 if there is no size
        std::uint16_t natural;
        std::uint8_t alignment;  // at most a pointer's; 0 if unknown
        bool sized;

        std::int64_t size() const { return sized ? std::int64_t{bytes} : kUnknown; }
        void set_size(std::int64_t size) {
            sized = size != kUnknown;
            bytes = sized ? static_cast<std::uint32_t>(size) : 0;
        }
    };

    class Builder;

    static const Entry kInvalidId;

    const Entry& at(std::uint32_t type_id) const {
        const Sizes* sizes = this;
        while (type_id < sizes->first_id_) {
            sizes = sizes->base_;
        }
        return type_id < sizes->end_id_ ? sizes->entries_[type_id - sizes->first_id_] : kInvalidId;
    }

    const Sizes* base_;
    std::uint32_t first_id_;
    std::uint32_t end_id_;
    Arena arena_;
    Entry* entries_;
};

}  // namespace btfmmap
