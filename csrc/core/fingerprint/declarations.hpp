#pragma once

#include <cstdint>
#include <vector>

#include "core/fingerprint/contents.hpp"

namespace btfmmap::fingerprint {

// Hashes what types are without those that are embedded by value: sets `traits`, `layout`, `declaration` and
// `spelling`, except the declarations of typedefs.
void hash_declarations(Contents& contents);
// The same for some rows of a standalone BTF, and for what these depend on. Others have no hashes.
void hash_declarations(Contents& contents, const std::vector<std::uint32_t>& rows);

}  // namespace btfmmap::fingerprint
