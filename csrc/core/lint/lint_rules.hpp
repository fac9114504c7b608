#pragma once

#include <cstddef>

#include "core/analysis/sizes.hpp"
#include "core/base/diagnostic.hpp"
#include "core/index/index.hpp"
#include "core/names/strings.hpp"

namespace btfmmap {

// What is odd about records though they may stand so: above all what the kernel's verifier (kernel/bpf/btf.c)
// refuses of a program's BTF and libbpf takes. Calls `report` with a note for each, in the order of ids; what
// concerns several types, circles and names that two structs share, comes after that. References and name
// offsets need not be valid. `types_start` is the type section's place in the blob.
void apply_lint_rules(const Index& index, const Strings& strings, const Sizes& sizes,
                      std::uint64_t types_start, const ReportDiagnostic& report);

}  // namespace btfmmap
