#pragma once

#include "core/index/index.hpp"

namespace btfmmap {

// Whether a BTF is a distilled base, as libbpf's btf__distill_base makes one: named INT, FLOAT, ENUM, STRUCT,
// UNION and FWD types and nothing else, none of them with elements, and a struct or union that has a size all
// the same.
bool is_distilled_base(const Index& index);

}  // namespace btfmmap
