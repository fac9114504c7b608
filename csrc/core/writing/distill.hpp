#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "core/writing/record_copier.hpp"

namespace btfmmap::writing {

// A split BTF on a distilled base, and the IDs of the types of the BTF that it was made of.
struct Distilled {
    std::vector<std::byte> base;
    std::vector<std::byte> split;
    IdMap ids;  // kDropped for types of the old base that are not needed
};

// Makes what libbpf's btf__distill_base makes: the inverse of relocate(). The new base has the names, kinds
// and sizes of the types that the split BTF needs. Types without a name, and those that only refer to others,
// move to the end of the split BTF.
//
// Throws Error: not_supported if the BTF stands alone, refers to a kind of type of its base that cannot be
// distilled, or has a kind that only a layout section describes.
Distilled distill(const std::shared_ptr<const Btf>& btf);

}  // namespace btfmmap::writing
