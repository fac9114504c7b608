#pragma once

#include <pybind11/pybind11.h>

#include "core/tables.hpp"

namespace btfmmap::bindings {

// A table's columns by name, as read-only numpy arrays that keep `owner` alive. The only place that needs
// numpy, which it imports: a View and numpy's own way to it take a table of the size of a kernel's longer
// than its columns.
pybind11::dict array_columns(const pybind11::object& owner, const Table& table);

}  // namespace btfmmap::bindings
