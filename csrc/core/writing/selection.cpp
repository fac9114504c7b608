#include "core/writing/selection.hpp"

#include <algorithm>

#include "core/base/error.hpp"

namespace btfmmap::writing {

using std::uint32_t;

namespace {

// Returns one past the last type ID that a BTF has in common with the base of a draft: their IDs are the same
// in both. 1 if they have no base in common.
uint32_t shared_end(const Btf& btf, const Draft& draft) {
    for (const Btf* level = &btf; level != nullptr; level = level->base().get()) {
        for (const Btf* base = draft.base().get(); base != nullptr; base = base->base().get()) {
            if (level == base) {
                return level->index().end_id();
            }
        }
    }
    return 1;
}

}  // namespace

Selection::Selection(const Btf& source, Draft& draft)
    : source_(source),
      draft_(draft),
      shared_end_(shared_end(source, draft)),
      copier_(source, draft, RecordCopier::Names::pooled),
      ids_(source.index().end_id(), kDropped) {
    for (uint32_t id = 0; id != shared_end_; ++id) {
        ids_[id] = id;
    }
}

void Selection::add(const std::vector<uint32_t>& roots, Closure closure) {
    const std::vector<bool> taken = closure_of(source_, roots, closure, shared_end_);
    const uint32_t first = draft_.next_id();
    uint32_t next = first;
    std::vector<uint32_t> added;
    for (uint32_t id = shared_end_; id != taken.size(); ++id) {
        if (taken[id] && ids_[id] == kDropped) {
            ids_[id] = next++;
            added.push_back(id);
        }
    }
    pointed_.clear();
    new_declarations_.clear();
    try {
        if (closure == Closure::pointers) {
            plan_pointers(added);
        }
        write(added);
    } catch (...) {
        for (const uint32_t id : added) {
            ids_[id] = kDropped;
        }
        for (const Declaration& declaration : new_declarations_) {
            declarations_.erase(declaration);
        }
        draft_.truncate(first);
        throw;
    }
}

// Decides what the added pointers refer to if their type is not in the draft.
void Selection::plan_pointers(const std::vector<uint32_t>& added) {
    auto next = static_cast<uint32_t>(draft_.next_id() + added.size());
    for (const uint32_t id : added) {
        const TypeRecord pointer(source_, id);
        if (pointer.kind() != Kind::Ptr || ids_[pointer.target()] != kDropped) {
            continue;
        }
        const uint32_t declared = declared_behind_pointer(source_, pointer.target());
        uint32_t target = ids_[declared];
        if (target == kDropped) {
            const TypeRecord record(source_, declared);
            const bool is_union =
                record.kind() == Kind::Union || (record.kind() == Kind::Fwd && record.flag());
            const Declaration declaration{copier_.name(record.word(HeadField::name_off)), is_union};
            const auto [known, is_new] = declarations_.try_emplace(declaration, next);
            if (is_new) {
                new_declarations_.push_back(declaration);
                ++next;
            }
            target = known->second;
        }
        pointed_.emplace_back(id, target);
    }
}

void Selection::write(const std::vector<uint32_t>& added) {
    auto pointed = pointed_.begin();
    for (const uint32_t id : added) {
        if (pointed != pointed_.end() && pointed->first == id) {
            Head head = head_of(TypeRecord(source_, id));
            head.name_off = copier_.name(head.name_off);
            head.size_or_type = pointed->second;
            draft_.add(head, 0);
            ++pointed;
        } else {
            copier_.copy(id, ids_);
        }
    }
    for (const auto& [name_off, is_union] : new_declarations_) {
        draft_.add({Kind::Fwd, is_union, 0, name_off, 0}, 0);
    }
}

}  // namespace btfmmap::writing
