#pragma once

#include <pybind11/pybind11.h>

#include <string_view>

#include "core/names/names.hpp"

namespace btfmmap::bindings {

// What is asked of names: a bare name, and the kinds it may be of. The text may be as in C: "struct x" asks
// for a STRUCT, "union x" for a UNION, "enum x" for an ENUM or ENUM64; `kind` is None or a kind's number.
// Refers to the text. Throws ValueError where the two disagree, or there is no such kind.
struct Query {
    Query(std::string_view text, const pybind11::object& kind);

    std::string_view name;
    Kinds kinds;
};

}  // namespace btfmmap::bindings
