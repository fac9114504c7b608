#pragma once

#include <cstdint>

#include "core/base/endian.hpp"
#include "core/btf/btf.hpp"
#include "core/core_relo/failure.hpp"
#include "core/core_relo/kinds.hpp"
#include "core/core_relo/local_path.hpp"

namespace btfmmap::core_relo {

// What a relocation calculates from the types of one side, the object or the target.
struct Value {
    Failure failure;
    std::uint64_t value = 0;
    // Of the offset of a field that is not a bitfield: its type below typedefs, and its size in bytes; of an
    // array's field, the size of its innermost element. An access of this size reads the field.
    std::uint32_t type = 0;
    std::uint32_t size = 0;
    // Whether the instruction must hold this value before it is relocated.
    bool validate = true;
};

// `position` is the end of the path of a field, or the enumerator. `root` is the type itself. `order` is the
// byte order of the program, which decides left shifts; libbpf takes its own host's.
Value value_of(const Btf& btf, ReloKind kind, std::uint32_t root, const Position& position, ByteOrder order);

}  // namespace btfmmap::core_relo
