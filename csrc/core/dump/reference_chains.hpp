#pragma once

#include <cstdint>
#include <vector>

#include "core/btf/btf.hpp"
#include "core/dump/dump_words.hpp"

namespace btfmmap {

// Where chains of references lead: pointers, typedefs, qualifiers, tags and arrays, down to what refers to
// nothing or to a prototype.
class ReferenceChains {
public:
    explicit ReferenceChains(const Btf& btf);

    struct Chain {
        std::uint32_t end;
        Kind end_kind;
        bool first_named;
        bool some_named;  // the first, the end, or something between them
        bool end_named;
    };

    // That starts at a type. The end of a circle is one of the types on it.
    const Chain& operator[](std::uint32_t id) const { return chains_[id]; }

    // What one link refers to; false for a type that is none.
    static bool refers(const TypeRecord& record, std::uint32_t& to);

private:
    static constexpr std::uint32_t kUnknown = ~0U;

    std::vector<Chain> chains_;
};

}  // namespace btfmmap
