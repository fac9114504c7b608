#include "core/analysis/fields_cache.hpp"

namespace btfmmap {

std::shared_ptr<const Fields> FieldsCache::get(const Btf& btf, const Sizes& sizes, std::uint32_t type_id) {
    {
        const std::lock_guard lock(mutex_);
        const auto found = entries_.find(type_id);
        if (found != entries_.end()) {
            return found->second;
        }
    }
    // Built without the lock. If two threads build the same entry, the first one is kept.
    auto built = std::make_shared<const Fields>(btf, sizes, type_id);
    const std::size_t cost = built->count() + kEntryCost;
    decltype(entries_) dropped;  // destroyed after the lock is released
    const std::lock_guard lock(mutex_);
    if (kept_ + cost > kMaxKept) {
        dropped.swap(entries_);
        kept_ = 0;
    }
    const auto [entry, inserted] = entries_.try_emplace(type_id, std::move(built));
    kept_ += inserted ? cost : 0;
    return entry->second;
}

}  // namespace btfmmap
