#pragma once

#include "core/kernel_rules/reporter.hpp"
#include "core/kernel_rules/types.hpp"

namespace btfmmap::kernel_rules {

// Checks structs with members of the kernel's own types, such as bpf_spin_lock or a pointer with the tag
// kptr: btf_parse_struct_metas() and what it calls. The kernel says nothing of these in its log.
//
// All other rules must hold. Whether the running kernel has a destructor for the target of a kptr is not
// checked: that is not a matter of the BTF alone.
void check_special_fields(const Types& types, Reporter& reporter);

}  // namespace btfmmap::kernel_rules
