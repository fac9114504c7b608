#include "core/fingerprint/fingerprints.hpp"

#include <cstdint>
#include <utility>

#include "core/base/release_base.hpp"
#include "core/fingerprint/declarations.hpp"
#include "core/fingerprint/embedded.hpp"
#include "core/fingerprint/table.hpp"

namespace btfmmap {

Fingerprints::Fingerprints(std::shared_ptr<const BtfSizes> sizes, std::shared_ptr<const Fingerprints> base)
    : sizes_(std::move(sizes)),
      base_(std::move(base)),
      arena_(fingerprint::Contents::kBytesPerRow * sizes_->btf().index().rows()),
      contents_(*sizes_, base_ == nullptr ? nullptr : &base_->contents_, arena_) {
    hash_declarations(contents_);
    hash_embedded(contents_);
}

const Table& Fingerprints::table() const {
    return table_.get([this] {
        Table table(arena_);
        add_columns(contents_, table);
        return table;
    });
}

fingerprint::Depths Fingerprints::of_type(std::uint32_t type_id) const {
    return fingerprint::hash_type(contents_, contents_.row(type_id));
}

fingerprint::Depths Fingerprints::of_function(std::uint32_t prototype) const {
    return fingerprint::hash_function(contents_, prototype);
}

Fingerprints::~Fingerprints() { release_base(base_); }

}  // namespace btfmmap
