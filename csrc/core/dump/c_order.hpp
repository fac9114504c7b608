#pragma once

#include <cstdint>
#include <vector>

#include "core/btf/btf.hpp"
#include "core/dump/c_limits.hpp"

namespace btfmmap {

// The types of a BTF and its bases that C has something for in the order in which bpftool (7.5 and later)
// writes C: enums, then numbers, structs, prototypes, each by name; what refers to a type comes with it. So a
// header of the next kernel differs where its types do. What would come last and needs nothing that is not
// before it is left out. Never empty.
std::vector<std::uint32_t> c_order(const Btf& btf, CLimits& limits);

}  // namespace btfmmap
