#pragma once

#include <pybind11/pybind11.h>

#include <memory>

#include "core/analysis/btf_sizes.hpp"

namespace btfmmap::bindings {

// Adds the methods of Sizes that ask for members by path and by byte.
void add_fields(pybind11::class_<BtfSizes, std::shared_ptr<BtfSizes>>& sizes);

}  // namespace btfmmap::bindings
