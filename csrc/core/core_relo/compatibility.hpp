#pragma once

#include <cstdint>

#include "core/btf/btf.hpp"
#include "core/core_relo/budget.hpp"
#include "core/core_relo/failure.hpp"

namespace btfmmap::core_relo {

// The answer of a comparison: yes, no, or an error.
struct Verdict {
    bool yes = false;
    Failure failure;

    static Verdict of(bool yes) { return {yes, {}}; }
    static Verdict failed(const Failure& failure) { return {false, failure}; }
};

// A type of the object and one of the target.
struct TypePair {
    const Btf& local;
    std::uint32_t local_id;
    const Btf& target;
    std::uint32_t target_id;
};

// Whether a field of one type may stand for a field of the other. Structs and unions are equal, so are all
// pointers, all floats and all integers that start at bit 0. Names are compared only of enums and of forward
// declarations.
Verdict are_fields_compatible(const TypePair& types, Budget& budget);

// Whether one type may stand for the other where the relocation is of the type: kinds and prototypes must be
// equal, names and sizes need not.
Verdict are_types_compatible(const TypePair& types, Budget& budget);

}  // namespace btfmmap::core_relo
