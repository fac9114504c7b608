#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <optional>

#include "core/names/query.hpp"

namespace btfmmap::bindings {

// Converts a `kind` argument: None, a Kind or its number. Throws TypeError.
std::optional<std::int64_t> to_kind(const pybind11::object& kind);

}  // namespace btfmmap::bindings
