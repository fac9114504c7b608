#pragma once

#include <pybind11/pybind11.h>

namespace btfmmap::bindings {

// Registers DiffReport, which refers to DiffChanges.
void register_diff_report(pybind11::module_& module);

}  // namespace btfmmap::bindings
