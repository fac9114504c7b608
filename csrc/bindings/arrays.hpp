#pragma once

#include <pybind11/pybind11.h>

#include "core/tables/tables.hpp"

namespace btfmmap::bindings {

// A table's columns by name, as read-only numpy arrays that keep `owner` alive. The only place that needs
// numpy, and imports it: wrapping Views took 60 us of the 800 that all tables of a kernel take.
pybind11::dict array_columns(const pybind11::object& owner, const Table& table);

}  // namespace btfmmap::bindings
