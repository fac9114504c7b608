#pragma once

#include <cstdint>
#include <vector>

#include "core/btf/btf.hpp"
#include "core/btf/record.hpp"

namespace btfmmap {

// The ends of chains of references. A chain follows pointers, typedefs, qualifiers, tags and arrays to a type
// of another kind, such as a prototype.
class ReferenceChains {
public:
    explicit ReferenceChains(const Btf& btf);

    struct Chain {
        std::uint32_t end;
        Kind end_kind;
        bool first_named;
        bool some_named;  // the first type, the last, or one between them
        bool end_named;
    };

    // Returns the chain that starts at a type. The end of a cycle is one of the types on it.
    const Chain& operator[](std::uint32_t id) const { return chains_[id]; }

    // Whether a type is a link of a chain. If so, sets `to` to the type that it refers to.
    static bool refers(const TypeRecord& record, std::uint32_t& to);

private:
    static constexpr std::uint32_t kUnknown = ~0U;

    std::vector<Chain> chains_;
};

}  // namespace btfmmap
