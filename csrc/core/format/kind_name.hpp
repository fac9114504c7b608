#pragma once

#include <string>

#include "core/format/kind_text.hpp"
#include "core/format/wire_format.hpp"

namespace btfmmap {

// Returns the kind's name as Python's Kind spells it: "STRUCT", or "UNKNOWN_20" for an unknown kind.
inline std::string kind_name(Kind kind) {
    if (kind == Kind::Void) {
        return "VOID";
    }
    if (!shape_of(kind).known) {
        return "UNKNOWN_" + std::to_string(static_cast<unsigned>(kind));
    }
    return std::string(kind_text(kind).view());
}

}  // namespace btfmmap
