#include "core/fingerprint/declaration_fingerprints.hpp"

#include "core/fingerprint/declarations.hpp"
#include "core/fingerprint/table.hpp"

namespace btfmmap {

namespace {

std::uint64_t bytes_for(const BtfSizes& sizes) {
    return fingerprint::Contents::kBytesPerRow * sizes.btf().index().rows();
}

}  // namespace

DeclarationFingerprints::DeclarationFingerprints(const BtfSizes& sizes, const DeclarationFingerprints* base)
    : arena_(bytes_for(sizes)), contents_(sizes, base == nullptr ? nullptr : &base->contents_, arena_) {
    hash_declarations(contents_);
}

std::vector<std::uint64_t> DeclarationFingerprints::lower_halves() const {
    return fingerprint::declarations_low(contents_);
}

std::vector<std::uint64_t> declaration_lower_halves(const BtfSizes& sizes,
                                                    const std::vector<std::uint32_t>& rows) {
    Arena arena(bytes_for(sizes));
    fingerprint::Contents contents(sizes, nullptr, arena);
    fingerprint::hash_declarations(contents, rows);
    return fingerprint::declarations_low(contents, rows);
}

}  // namespace btfmmap
