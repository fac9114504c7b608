#pragma once

#include <cstdint>
#include <vector>

#include "core/btf/btf.hpp"
#include "core/text/output.hpp"

namespace btfmmap {

// Writes all types as one JSON object, identical to the output of `bpftool -j btf dump file`. With `pretty`,
// it is that of `bpftool -p btf dump file`. `roots` and errors are as in dump_raw().
void dump_json(const Btf& btf, const std::vector<std::int64_t>& roots, bool pretty, Output& output);

}  // namespace btfmmap
