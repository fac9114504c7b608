#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "core/analysis/fields_cache.hpp"
#include "core/analysis/layout.hpp"
#include "core/analysis/sizes.hpp"
#include "core/base/arena.hpp"
#include "core/base/release_base.hpp"
#include "core/btf/btf.hpp"
#include "core/index/rows_of_kind.hpp"

namespace btfmmap {

// The sizes of a BTF's types, with everything they refer to: the BTF and the sizes of its base. Also has the
// table of struct layouts, which is built on first use, and the fields of the structs that were asked for.
class BtfSizes {
public:
    // `base` has the sizes of the BTF's base; it is nullptr for a standalone BTF.
    BtfSizes(std::shared_ptr<const Btf> btf, std::shared_ptr<const BtfSizes> base)
        : btf_(std::move(btf)),
          base_(std::move(base)),
          sizes_(btf_->index(), btf_->pointer_size(), base_ == nullptr ? nullptr : &base_->sizes_),
          arena_(std::uint64_t{RowsOfKind<Kind::Struct>(btf_->index()).records()} * 64) {}

    ~BtfSizes() { release_base(base_); }

    BtfSizes(const BtfSizes&) = delete;
    BtfSizes& operator=(const BtfSizes&) = delete;

    const Btf& btf() const { return *btf_; }
    const Sizes& sizes() const { return sizes_; }

    // The layouts of this BTF's own structs and unions, without those of its base.
    const Table& layouts() const {
        return layouts_.get([this] { return btfmmap::layouts(*btf_, sizes_, arena_); });
    }

    // Returns the sizes, these or those of a base, of the BTF that contains a type ID below end_id().
    const BtfSizes& owner(std::uint32_t type_id) const {
        const BtfSizes* level = this;
        while (type_id < level->btf_->index().first_id()) {
            level = level->base_.get();
        }
        return *level;
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
    Lazy<Table> layouts_;
};

}  // namespace btfmmap
