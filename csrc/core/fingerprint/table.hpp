#pragma once

#include <cstdint>
#include <vector>

#include "core/fingerprint/contents.hpp"
#include "core/tables/table.hpp"

namespace btfmmap::fingerprint {

// Returns the hashes of a function. `prototype` is the type of its FUNC, below the end of the BTF; anything
// but a FUNC_PROTO counts as absent.
Depths hash_function(const Contents& contents, std::uint32_t prototype);

// Returns the hashes of a row that the table of add_columns() has.
Depths hash_type(const Contents& contents, std::uint32_t row);

// Adds the columns of the table of a BTF's structs, unions, enums, functions, typedefs and variables.
// `contents` is complete.
void add_columns(const Contents& contents, Table& table);

// Returns the lower halves of the fingerprints in depth declaration, per row; 0 for other types. `embedded`
// and the declarations of typedefs need not be set.
std::vector<std::uint64_t> declarations_low(const Contents& contents);
// The same; but only the given rows are set.
std::vector<std::uint64_t> declarations_low(const Contents& contents, const std::vector<std::uint32_t>& rows);

}  // namespace btfmmap::fingerprint
