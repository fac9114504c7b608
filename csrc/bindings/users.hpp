#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <vector>

#include "core/analysis/graph.hpp"

namespace btfmmap::bindings {

// Returns the users of a type, as lists of equal length: type IDs, roles, positions, names, bit offsets,
// pointers. `through` contains numbers of kinds.
pybind11::tuple users(const Graph& graph, std::int64_t type_id, const std::vector<std::uint8_t>& roles,
                      const std::vector<std::uint8_t>& through, bool anonymous);

}  // namespace btfmmap::bindings
