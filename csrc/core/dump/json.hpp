#pragma once

#include <cstdint>
#include <vector>

#include "core/btf/btf.hpp"
#include "core/text/output.hpp"

namespace btfmmap {

// One JSON object of all types, identical to `bpftool -j btf dump file`, and with `pretty` to `bpftool -p`.
// The rest is as in dump_raw.
void dump_json(const Btf& btf, const std::vector<std::int64_t>& roots, bool pretty, Output& output);

}  // namespace btfmmap
