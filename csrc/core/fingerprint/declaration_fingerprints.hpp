#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/analysis/btf_sizes.hpp"
#include "core/base/arena.hpp"
#include "core/fingerprint/contents.hpp"

namespace btfmmap {

// The fingerprints of one BTF in depth declaration only, which costs two thirds of all depths.
class DeclarationFingerprints {
public:
    // `base` has the fingerprints of the BTF's base; it is nullptr for a standalone BTF.
    DeclarationFingerprints(const BtfSizes& sizes, const DeclarationFingerprints* base);

    // Returns the lower half of each row's fingerprint; 0 for types that Fingerprints has no row for.
    std::vector<std::uint64_t> lower_halves() const;

private:
    Arena arena_;
    fingerprint::Contents contents_;
};

// Returns the lower halves of the fingerprints in depth declaration of some rows of a standalone BTF; the
// elements of other rows are 0. Hashes only these, and what they depend on.
std::vector<std::uint64_t> declaration_lower_halves(const BtfSizes& sizes,
                                                    const std::vector<std::uint32_t>& rows);

}  // namespace btfmmap
