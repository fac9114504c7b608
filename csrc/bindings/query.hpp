#pragma once

#include <pybind11/pybind11.h>

#include <string_view>

#include "core/names/names.hpp"

namespace btfmmap::bindings {

// A name and the kinds that it may be of, parsed from a text that may begin with a keyword: "struct x" asks
// for a STRUCT, "union x" for a UNION, "enum x" for an ENUM or ENUM64, "func x", "typedef x" and "var x" for
// those. `kind` is None or a kind's number. Refers to the text. Throws ValueError where the two disagree or
// there is no such kind.
struct Query {
    Query(std::string_view text, const pybind11::object& kind);

    std::string_view name;
    Kinds kinds;
};

}  // namespace btfmmap::bindings
