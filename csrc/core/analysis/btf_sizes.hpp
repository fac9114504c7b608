#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "core/analysis/fields_cache.hpp"
#include "core/analysis/sizes.hpp"
#include "core/base/arena.hpp"
#include "core/btf/btf.hpp"
#include "core/index/rows_of_kind.hpp"

namespace btfmmap {

// The sizes of a BTF's types, with everything they refer to: the BTF and the sizes of its base. Also holds
// the memory for the table of struct layouts, and the fields of the structs that were asked for.
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

    // Returns the sizes of the BTF, this one or one of its bases, that contains a type ID.
    const BtfSizes& owner(std::uint32_t type_id) const {
        const BtfSizes* owner = this;
        while (type_id < owner->btf_->index().first_id()) {
            owner = owner->base_.get();
        }
        return *owner;
    }

    // Returns the fields of a STRUCT or UNION of this BTF or of one of its bases. They are kept, within the
    // bound of FieldsCache.
    std::shared_ptr<const Fields> fields(std::uint32_t type_id) const {
        const BtfSizes& of = owner(type_id);
        return of.fields_.get(*of.btf_, of.sizes_, type_id);
    }

    // Returns the type below typedefs and qualifiers; the type itself if these form a cycle.
    std::uint32_t resolved(std::uint32_t type_id) const {
        const std::uint32_t resolved = sizes_.resolved(type_id);
        return resolved == Sizes::kNoType ? type_id : resolved;
    }

private:
    std::shared_ptr<const Btf> btf_;
    std::shared_ptr<const BtfSizes> base_;
    Sizes sizes_;
    mutable Arena arena_;
    mutable FieldsCache fields_;
};

}  // namespace btfmmap
