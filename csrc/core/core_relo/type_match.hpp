#pragma once

#include "core/core_relo/compatibility.hpp"

namespace btfmmap::core_relo {

// Whether the target's type has all that the object's type has, as the kind "type matches" asks: names, the
// members and enumerators of the object's type, and their types. Behind pointers, structs and unions need
// only be of the same name and kind.
Verdict do_types_match(const TypePair& types, Budget& budget);

}  // namespace btfmmap::core_relo
