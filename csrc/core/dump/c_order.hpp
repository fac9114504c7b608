#pragma once

#include <cstdint>
#include <vector>

#include "core/btf/btf.hpp"
#include "core/dump/c_limits.hpp"

namespace btfmmap {

// Returns the types of a BTF and its bases that C can express, in the order in which bpftool 7.5 and later
// writes C. Enums come first, then numbers, structs and prototypes, each by name. A type that refers to one
// of these is sorted with it. The headers of two kernels thus differ only where their types do.
//
// Leaves out types that would come last and need only types before them. Never empty.
std::vector<std::uint32_t> c_order(const Btf& btf, CLimits& limits);

}  // namespace btfmmap
