#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/analysis/btf_sizes.hpp"
#include "core/base/lazy.hpp"
#include "core/base/release_base.hpp"
#include "core/fingerprint/declaration_fingerprints.hpp"

namespace btfmmap::corpus {

// One BTF of a catalog, needed to add split BTFs that continue it.
struct Entry {
    ~Entry() { release_base(base); }

    std::vector<std::uint32_t> numbers;   // of the record of each row; void has 0
    std::vector<std::uint32_t> tokens;    // what other types refer to, per row
    std::vector<std::uint32_t> ordinals;  // per row
    // Types with this token or content so far, with the base's; per number.
    std::vector<std::uint32_t> counts;
    std::uint32_t cycles = 0;  // types without a name that contain themselves, with the base's
    // The numbers, with ordinal 0, of types without a name that several rows are equal to.
    std::vector<std::uint32_t> equals;
    std::uint32_t first_id = 0;
    std::shared_ptr<const BtfSizes> sizes;
    std::shared_ptr<const Entry> base;

    // Whether others refer to the type by its name.
    bool is_named(std::size_t row) const { return tokens[row] != numbers[row]; }

    std::uint32_t token(std::uint32_t type_id) const {
        const Entry* level = this;
        while (type_id < level->first_id) {
            level = level->base.get();
        }
        return level->tokens[type_id - level->first_id];
    }

    const DeclarationFingerprints& fingerprints() const {
        return *fingerprints_.get([this] {
            return std::make_unique<const DeclarationFingerprints>(
                *sizes, base == nullptr ? nullptr : &base->fingerprints());
        });
    }

private:
    Lazy<std::unique_ptr<const DeclarationFingerprints>> fingerprints_;
};

}  // namespace btfmmap::corpus
