#pragma once

#include <pybind11/pybind11.h>

#include <vector>

#include "core/tables/table.hpp"

namespace btfmmap::bindings {

// Returns columns by name, as read-only numpy arrays that keep `owner` alive. Imports numpy; no
// other binding does. Creating arrays here instead of wrapping Views in Python saves 60 us of the 800 us that
// all tables of a kernel take.
pybind11::dict array_columns(const pybind11::object& owner, const std::vector<Column>& columns);

}  // namespace btfmmap::bindings
