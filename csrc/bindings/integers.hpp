#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <vector>

namespace btfmmap::bindings {

// Converts an integer as operator.index() does. A value that does not fit into 64 bits is replaced by the
// nearest one that does. Throws TypeError.
std::int64_t to_integer(pybind11::handle number);

// Converts integers from a one-dimensional buffer, such as a numpy array, or from any iterable of ints. A
// value that does not fit into 64 bits is replaced by the nearest one that does; it is never a valid ID or
// offset. Throws TypeError.
std::vector<std::int64_t> to_integers(pybind11::handle source);

}  // namespace btfmmap::bindings
