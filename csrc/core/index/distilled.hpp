#pragma once

#include "core/index/index.hpp"

namespace btfmmap {

// Whether a BTF is a distilled base, as written by libbpf's btf__distill_base. A distilled base contains only
// INT, FLOAT, ENUM, STRUCT, UNION and FWD types, all with a name and without elements. At least one struct or
// union has a nonzero size.
bool is_distilled_base(const Index& index);

}  // namespace btfmmap
