#pragma once

#include <cstdint>
#include <vector>

#include "core/diff/content.hpp"

namespace btfmmap::diff {

// Which members of two versions of a struct or union are the same: those with the same path, and of the rest
// those that were renamed in place.
class MemberPairs {
public:
    MemberPairs(const VersionView& before, const VersionView& after);

    // The number of the other side's member; kNone if there is none.
    std::uint32_t after(std::uint32_t before) const { return to_after_[before]; }
    std::uint32_t before(std::uint32_t after) const { return to_before_[after]; }

    // Marks the members before that kept their order: those in every longest increasing subsequence of the
    // numbers after.
    std::vector<bool> in_order() const;

private:
    struct Key {
        std::uint32_t holder;  // its pair's number, after
        std::uint32_t type;    // or the name
        std::uint64_t bit_offset;
        std::uint32_t bits;
        std::uint32_t number;

        bool same_as(const Key& other) const {
            return holder == other.holder && type == other.type && bit_offset == other.bit_offset &&
                   bits == other.bits;
        }
        bool precedes(const Key& other) const;
    };

    void pair_level(const std::vector<std::uint32_t>& olds, const std::vector<std::uint32_t>& news);
    void pair_by_name(const std::vector<std::uint32_t>& olds, const std::vector<std::uint32_t>& news);
    void pair_by_offset(const std::vector<std::uint32_t>& olds, const std::vector<std::uint32_t>& news);
    void pair_by_neighbours(const std::vector<std::uint32_t>& olds, const std::vector<std::uint32_t>& news);
    template <class MakeKey>
    std::vector<Key> old_keys(const std::vector<std::uint32_t>& olds, MakeKey make) const;
    template <class MakeKey>
    std::vector<Key> new_keys(const std::vector<std::uint32_t>& news, MakeKey make) const;
    std::uint32_t new_holder(const Member& before) const {
        return before.holder == kNone ? kNone : to_after_[before.holder];
    }
    void take(std::uint32_t before, std::uint32_t after) {
        to_after_[before] = after;
        to_before_[after] = before;
    }

    const VersionView& before_;
    const VersionView& after_;
    std::vector<std::uint32_t> to_after_, to_before_;
};

}  // namespace btfmmap::diff
