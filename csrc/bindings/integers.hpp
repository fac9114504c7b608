#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <vector>

namespace btfmmap::bindings {

// Integers out of a numpy array or anything else with a one-dimensional integer buffer, read in place, or
// out of any iterable of ints. What 64 bits do not hold becomes the nearest that they do, which no BTF has
// as an id or an offset. Throws TypeError.
std::vector<std::int64_t> to_integers(pybind11::handle source);

}  // namespace btfmmap::bindings
