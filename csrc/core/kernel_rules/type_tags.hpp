#pragma once

#include "core/kernel_rules/reporter.hpp"
#include "core/kernel_rules/types.hpp"

namespace btfmmap::kernel_rules {

// Checks the order and length of chains of typedefs, qualifiers and type tags (btf_check_type_tags). Of a
// base's types, only those that the BTF's own types refer to directly are looked at.
//
// `lengths` tells whether to report chains that are too long or lead nowhere.
void check_type_tags(const Types& types, bool lengths, Reporter& reporter);

}  // namespace btfmmap::kernel_rules
