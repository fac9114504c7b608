#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/names/names.hpp"

namespace btfmmap {

// A name and the kinds to search, parsed from a text that may start with a keyword. "struct x" finds a
// STRUCT, "union x" a UNION, and "enum x" an ENUM or ENUM64. "func x", "typedef x" and "var x" find those
// kinds.
struct Query {
    // `kind` limits the search to one kind. The query refers to `text` and does not copy it. Throws Error
    // (invalid_argument) if `kind` is not a kind's number, or if the keyword excludes it.
    Query(std::string_view text, std::optional<std::int64_t> kind);

    std::string_view name;
    Kinds kinds;
};

}  // namespace btfmmap
