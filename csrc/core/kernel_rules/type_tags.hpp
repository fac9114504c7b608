#pragma once

#include "core/kernel_rules/reporter.hpp"
#include "core/kernel_rules/types.hpp"

namespace btfmmap::kernel_rules {

// Checks the order and length of chains of typedefs, qualifiers and type tags (btf_check_type_tags). Of a
// base's types, only those that the BTF's own types refer to directly are looked at.
//
// Where references were followed before, chains without an end are reported already: `lengths` and `ends`
// tell whether to report chains that are too long, and chains that lead to no type.
void check_type_tags(const Types& types, bool lengths, bool ends, Reporter& reporter);

}  // namespace btfmmap::kernel_rules
