#pragma once

#include <cstddef>
#include <cstdint>

#include "core/index.hpp"

namespace btfmmap {

// Checks what records point to: name offsets against `strings_end`, type ids against the index and its
// base's, a FUNC's type to be a FUNC_PROTO. Refuses what libbpf's btf_sanity_check refuses, and a prototype's
// return id past the last type. `types_start` is the type section's place in the blob, for messages. Throws
// Error (format).
void check_references(const Index& index, std::uint64_t strings_end, std::size_t types_start);

// The same, one record after another.
void check_one_by_one(const Index& index, std::uint64_t strings_end, std::size_t types_start);

// Whether that finds nothing to refuse, asked of all records of a kind at once; which record is at fault it
// cannot say. May say no of a good file, but seldom does.
bool references_in_range(const Index& index, std::uint64_t strings_end);

}  // namespace btfmmap
