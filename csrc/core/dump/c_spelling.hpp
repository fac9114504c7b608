#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/dump/c_dialect.hpp"

namespace btfmmap {

// Whether a name can be declared in C: it consists of ASCII letters, digits and underscores, does not start
// with a digit and is not a keyword of the dialect or of GNU C.
bool is_c_identifier(std::string_view name, CDialect dialect);

// Returns an identifier that resembles a name: other characters are replaced by underscores, and a keyword
// gets an underscore at its end.
std::string c_identifier(std::string_view name, CDialect dialect);

// Returns the size in bytes of the integer type with a spelling such as "long unsigned int"; 0 if C has none.
std::uint32_t c_integer_size(std::string_view spelling, std::uint32_t pointer_size);

// Returns the spelling of the integer type of a size. `encoding` is that of an INT. Empty if C has none.
std::string_view c_integer(std::uint32_t size, std::uint8_t encoding, std::uint32_t pointer_size);

// Returns the spelling of the floating-point type that a FLOAT's name and size describe. Empty if compilers
// have none in common.
std::string_view c_float(std::string_view name, std::uint32_t size, std::uint32_t pointer_size);

}  // namespace btfmmap
