#pragma once

#include <cstdint>
#include <memory>

#include "core/base/bytes.hpp"
#include "core/base/diagnostic.hpp"
#include "core/btf/btf.hpp"
#include "core/kernel_rules/header.hpp"
#include "core/names/readable_btf.hpp"

namespace btfmmap::kernel_rules {

// Reports all violations of the rules of kernel/bpf/btf.c (Linux 6.18), in the order in which the kernel
// looks for them: the first is the reason for which it refuses the BTF. Reports nothing for BTF that it
// takes.
//
// Judges in the file's own byte order. `base` is nullptr for standalone BTF, which is judged like a
// program's; split BTF is judged like a module's on its base. `kernel` judges standalone BTF like the base of
// a module. `pointer_size` is in bytes, or 0 to derive it from the types.
//
// Bytes that open() refuses are judged too. The work is linear in their number.
//
// Returns what was read, which refers to the blob and the base; nullptr if there are violations.
std::unique_ptr<ReadableBtf> judge(Bytes blob, const Btf* base, Loading loading, std::uint32_t pointer_size,
                                   const ReportDiagnostic& report);

}  // namespace btfmmap::kernel_rules
