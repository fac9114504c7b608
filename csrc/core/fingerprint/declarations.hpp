#pragma once

#include "core/fingerprint/contents.hpp"

namespace btfmmap::fingerprint {

// Hashes what types are without those that are embedded by value: sets `traits`, `layout`, `declaration` and
// `spelling`, except the declarations of typedefs.
void hash_declarations(Contents& contents);

}  // namespace btfmmap::fingerprint
