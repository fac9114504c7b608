#pragma once

#include <cstdint>
#include <vector>

#include "core/btf/btf.hpp"
#include "core/text/output.hpp"

namespace btfmmap {

// One line a record and one an element, identical to `bpftool btf dump file`. Of a split BTF its own types;
// or only those of `roots`, in that order. Throws Error (not_found) for a root that is not there.
void dump_raw(const Btf& btf, const std::vector<std::int64_t>& roots, Output& output);

}  // namespace btfmmap
