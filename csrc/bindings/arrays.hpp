#pragma once

#include <pybind11/pybind11.h>

#include "core/tables/tables.hpp"

namespace btfmmap::bindings {

// Returns a table's columns by name, as read-only numpy arrays that keep `owner` alive. Imports numpy; no
// other binding does. Creating arrays here instead of wrapping Views in Python saves 60 us of the 800 us that
// all tables of a kernel take.
pybind11::dict array_columns(const pybind11::object& owner, const Table& table);

}  // namespace btfmmap::bindings
