#pragma once

#include <cstdint>
#include <vector>

#include "core/diff/history.hpp"
#include "core/diff/member_pairs.hpp"
#include "core/diff/rows.hpp"

namespace btfmmap::diff {

// Compares two versions of entities in two kernels of a history. Whether a row is `own` considers the entity
// alone: see Changes for the rest.
class Comparison {
public:
    Comparison(History& history, std::uint32_t before, std::uint32_t after, std::vector<Row>& rows)
        : history_(history), before_(before), after_(after), rows_(rows) {}

    // Adds the rows of an entity, at least one if its versions differ.
    void compare(std::uint32_t entity);

private:
    Row& add(Change change, bool own, bool layout);
    Row& add_sizes(const VersionView& before, const VersionView& after, bool own);
    bool is_changed(std::uint32_t before, std::uint32_t after) const;

    void compare_members(const VersionView& before, const VersionView& after);
    void compare_pair(const VersionView& before, const VersionView& after, std::uint32_t i,
                      const MemberPairs& pairs, bool in_order, bool realigned);
    bool embeds_change(const VersionView& before, const VersionView& after, const MemberPairs& pairs) const;
    void compare_containers(const VersionView& before, const VersionView& after);
    void compare_bounds(const VersionView& before, const VersionView& after, bool keeps_alignment,
                        bool realigned);
    static bool is_shifted(const VersionView& before, const VersionView& after, std::uint32_t i,
                           const MemberPairs& pairs, bool in_order, bool any_alignment);

    void compare_enumerators(const VersionView& before, const VersionView& after);

    void compare_functions(const VersionView& before, const VersionView& after);
    void compare_parameter(const Member& before, const Member& after);

    void compare_type(const VersionView& before, const VersionView& after);
    void compare_embedded(const Member& before, const Member& after);
    void compare_contents(const VersionView& before, const VersionView& after);
    void settle(std::size_t first);

    History& history_;
    std::uint32_t before_, after_;
    std::vector<Row>& rows_;
    std::uint32_t entity_ = 0;
    bool layout_differs_ = false;
};

// Fill one side of a row from a member; set_type() only what has no place, such as a parameter.
void set_side(Side& side, const Member& member);
void set_type(Side& side, const Member& member);

}  // namespace btfmmap::diff
