#include "core/fingerprint/declaration_fingerprints.hpp"

#include "core/fingerprint/declarations.hpp"
#include "core/fingerprint/table.hpp"

namespace btfmmap {

DeclarationFingerprints::DeclarationFingerprints(const BtfSizes& sizes, const DeclarationFingerprints* base)
    : arena_(fingerprint::Contents::kBytesPerRow * sizes.btf().index().rows()),
      contents_(sizes, base == nullptr ? nullptr : &base->contents_, arena_) {
    hash_declarations(contents_);
}

std::vector<std::uint64_t> DeclarationFingerprints::lower_halves() const {
    return fingerprint::declarations_low(contents_);
}

}  // namespace btfmmap
