#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "core/analysis/sizes.hpp"
#include "core/base/arena.hpp"
#include "core/btf/btf.hpp"
#include "core/index/rows_of_kind.hpp"

namespace btfmmap {

// The sizes of a BTF's types, with everything they refer to: the BTF and the sizes of its base. Also holds
// the memory for the table of struct layouts.
class BtfSizes {
public:
    // `base` has the sizes of the BTF's base; it is nullptr for a standalone BTF.
    BtfSizes(std::shared_ptr<const Btf> btf, std::shared_ptr<const BtfSizes> base)
        : btf_(std::move(btf)),
          base_(std::move(base)),
          sizes_(btf_->index(), btf_->pointer_size(), base_ == nullptr ? nullptr : &base_->sizes_),
          arena_(std::uint64_t{RowsOfKind<Kind::Struct>(btf_->index()).records()} * 64) {}

    // Destroys a chain of bases iteratively, without a stack frame per base.
    ~BtfSizes() {
        auto base = std::move(base_);
        while (base != nullptr && base.use_count() == 1) {
            base = std::move(const_cast<BtfSizes&>(*base).base_);
        }
    }

    BtfSizes(const BtfSizes&) = delete;
    BtfSizes& operator=(const BtfSizes&) = delete;

    const Btf& btf() const { return *btf_; }
    const Sizes& sizes() const { return sizes_; }
    Arena& arena() const { return arena_; }

private:
    std::shared_ptr<const Btf> btf_;
    std::shared_ptr<const BtfSizes> base_;
    Sizes sizes_;
    mutable Arena arena_;
};

}  // namespace btfmmap
