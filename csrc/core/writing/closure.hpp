#pragma once

#include <cstdint>
#include <vector>

#include "core/btf/btf.hpp"

namespace btfmmap::writing {

// Which types are added with those that were asked for.
enum class Closure : std::uint8_t {
    none,      // no others
    pointers,  // those that they refer to, except what only a pointer refers to
    deep,      // all that they refer to
};

// Returns for each type ID of a BTF and its bases whether it is in the closure of `roots`. Type IDs below
// `shared_end`, and void, are left out, and not followed. `roots` are valid.
std::vector<bool> closure_of(const Btf& btf, const std::vector<std::uint32_t>& roots, Closure closure,
                             std::uint32_t shared_end);

// What remains of a type that only a pointer refers to: the struct, union or forward declaration below its
// typedefs and qualifiers, if that has a name, otherwise void (0).
std::uint32_t declared_behind_pointer(const Btf& btf, std::uint32_t type_id);

}  // namespace btfmmap::writing
