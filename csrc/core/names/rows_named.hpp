#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/names/strings.hpp"

namespace btfmmap {

// Returns the rows of a table that have a name, ascending. `offsets` is the table's column of name offsets.
std::vector<std::uint32_t> rows_named(const Strings& strings, const std::uint32_t* offsets, std::size_t rows,
                                      std::string_view name);

}  // namespace btfmmap
