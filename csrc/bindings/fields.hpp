#pragma once

#include <pybind11/pybind11.h>

#include <memory>

#include "core/analysis/btf_sizes.hpp"
#include "core/analysis/member_paths.hpp"

namespace btfmmap::bindings {

// Adds the methods of Sizes that ask for members by path and by byte.
void add_fields(pybind11::class_<BtfSizes, std::shared_ptr<BtfSizes>>& sizes);

// The reason for which a path could not be followed, as Python knows it.
const char* to_text(FoundMember::Status status);

}  // namespace btfmmap::bindings
