#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/writing/record_copier.hpp"

namespace btfmmap::writing {

// A new BTF, and the new IDs of the types of the one that it was made of.
struct Rewritten {
    std::vector<std::byte> bytes;
    IdMap ids;
};

// Writes the types of a BTF, without those of its bases, in another order. `order` has the ID of each type
// once. Keeps the string section, and the layout section if there is one. Throws Error: invalid_argument if
// an ID is missing, of a base, or there twice; not_supported for a kind that only a layout section describes.
Rewritten reorder(const std::shared_ptr<const Btf>& btf, const std::vector<std::int64_t>& order);

// Returns the order of the types by the bytes of their names, as Linux 7.0 and later sorts them: types
// without a name come first, and those of equal names keep their order.
std::vector<std::int64_t> name_order(const Btf& btf);

// Writes a BTF in another byte order. `base` has the base in that byte order; it is nullptr for a standalone
// BTF. Keeps IDs and sections as reorder() does.
std::vector<std::byte> swap_bytes(const Btf& btf, ByteOrder order, std::shared_ptr<const Btf> base);

}  // namespace btfmmap::writing
