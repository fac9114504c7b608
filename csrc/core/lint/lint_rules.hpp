#pragma once

#include <cstddef>

#include "core/analysis/sizes.hpp"
#include "core/base/diagnostic.hpp"
#include "core/names/readable_btf.hpp"

namespace btfmmap {

// Calls `report` with a note for each unusual record. Most of these are records that libbpf accepts but the
// kernel's verifier (kernel/bpf/btf.c) rejects in the BTF of a program.
//
// Notes are in the order of type IDs. Those that concern several types follow at the end: cycles, and structs
// or unions with the same name. References and name offsets need not be valid. `types_start` is the type
// section's offset in the blob. `sound` tells that lint() was given what judge() returned.
void apply_lint_rules(ReadableBtf& btf, const Sizes& sizes, std::uint64_t types_start, bool sound,
                      const ReportDiagnostic& report);

}  // namespace btfmmap
