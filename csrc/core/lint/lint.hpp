#pragma once

#include <cstdint>

#include "core/analysis/sizes.hpp"
#include "core/base/diagnostic.hpp"
#include "core/btf/btf.hpp"

namespace btfmmap {

// What a BTF stands on.
struct LintBase {
    const Btf& btf;
    const Sizes& sizes;
};

// Says all that is wrong with a BTF, where opening it stops at the first of it; then all that is odd. The
// rules are those of opening, by the same code. A record that cannot be stepped over ends the errors; what
// comes before it is looked at all the same. `base` is nullptr for a BTF that stands alone; `pointer_size` is
// 0 where nothing but the types can tell. Throws Error (missing_base) for a split BTF without its base.
void lint(Bytes blob, const LintBase* base, std::uint32_t pointer_size, const ReportDiagnostic& report);

}  // namespace btfmmap
