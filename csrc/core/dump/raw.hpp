#pragma once

#include <cstdint>
#include <vector>

#include "core/btf/btf.hpp"
#include "core/text/output.hpp"

namespace btfmmap {

// Writes a line per record and per element, identical to `bpftool btf dump file`. Writes the types of the BTF
// without its base or, with `roots`, only these, in the given order. Throws Error (not_found) for a root that
// does not exist.
void dump_raw(const Btf& btf, const std::vector<std::int64_t>& roots, Output& output);

}  // namespace btfmmap
