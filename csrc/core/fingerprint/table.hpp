#pragma once

#include "core/fingerprint/contents.hpp"
#include "core/tables/tables.hpp"

namespace btfmmap::fingerprint {

// Adds the columns of the table of a BTF's structs, unions, enums, functions, typedefs and variables.
// `contents` is complete.
void add_columns(const Contents& contents, Table& table);

}  // namespace btfmmap::fingerprint
