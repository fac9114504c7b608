#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/diff/changes.hpp"
#include "core/diff_report/lines.hpp"

namespace btfmmap::diff {

// What a reader is told about the changes between two kernels, class by class. The mutex of the history must
// be held for all of it, but a sink of lines may release it while it runs.
class Report {
public:
    // Tells of entities that are marked in `selected`, which has an element per entity, and differ up to a
    // depth. Those that only follow from others count only at Depth::deep.
    Report(std::shared_ptr<const Changes> changes, Changes::Depth depth,
           const std::vector<std::uint8_t>& selected);

    // Returns the names of the entities of a class that only the new kernel has, or only the old one; the
    // first ones up to `limit`, sorted.
    std::vector<std::string_view> added(Class class_, std::size_t limit) const {
        return names(class_, Change::added, limit);
    }
    std::vector<std::string_view> removed(Class class_, std::size_t limit) const {
        return names(class_, Change::removed, limit);
    }

    // Returns how many others of a class there are.
    std::size_t count(Class class_) const { return changed_[static_cast<std::size_t>(class_)].size(); }
    // Writes what changed about these.
    void write(Class class_, Lines& lines) const;

    // Returns what follows the name of an entity: see headline() in entity_lines.hpp. It is empty if the
    // entity did not change.
    std::string headline_of(std::uint32_t entity) const;

private:
    using Entities = std::vector<Changes::Changed>;

    std::vector<std::string_view> names(Class class_, Change change, std::size_t limit) const;
    const Entity& entity(const Changes::Changed& changed) const {
        return changes_->history().entities()[changed.entity];
    }

    std::shared_ptr<const Changes> changes_;
    std::array<Entities, kClasses> single_, changed_;  // in one kernel only; in both
};

}  // namespace btfmmap::diff
