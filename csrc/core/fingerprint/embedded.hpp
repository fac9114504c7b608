#pragma once

#include "core/fingerprint/contents.hpp"

namespace btfmmap::fingerprint {

// Hashes what values of types consist of: sets `embedded`, and the declarations of typedefs. Declarations of
// other types must be known.
void hash_embedded(Contents& contents);

}  // namespace btfmmap::fingerprint
