#pragma once

#include <cstdint>

#include "core/analysis/sizes.hpp"
#include "core/base/diagnostic.hpp"
#include "core/btf/btf.hpp"
#include "core/names/readable_btf.hpp"

namespace btfmmap {

// The base of a split BTF.
struct LintBase {
    const Btf& btf;
    const Sizes& sizes;
};

// Reports all errors of a BTF, and then everything unusual about it. The errors are found by the same code
// that opens a BTF, except that opening stops at the first error. A record of unknown size ends the list of
// errors; the records before it are still checked.
//
// `base` is nullptr for a standalone BTF. `pointer_size` is in bytes, or 0 to derive it from the types.
// `sound` is what kernel_rules::judge() returned for these bytes as those of a program, or nullptr. If it is
// given, rules that the judgement includes are not checked again: no reference is invalid, and no type
// contains itself.
//
// Throws Error (missing_base) for a split BTF without its base.
void lint(Bytes blob, const LintBase* base, std::uint32_t pointer_size, ReadableBtf* sound,
          const ReportDiagnostic& report);

}  // namespace btfmmap
