#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/diff/dependencies.hpp"
#include "core/diff/history.hpp"
#include "core/diff/rows.hpp"

namespace btfmmap::diff {

// The changes between two kernels of a history, and what causes what: an entity follows from another one that
// it contains by value, through any number of others, if that changed by itself.
class Changes {
public:
    // Throws Error (invalid_argument) if there is no such kernel, and Error (not_supported) as
    // History::read() does. Holds the history's mutex.
    Changes(std::shared_ptr<History> history, std::uint32_t before, std::uint32_t after);

    History& history() const { return *history_; }
    const std::vector<Row>& rows() const { return rows_; }

    // How far an entity differs: in its layout; in its declaration, tags or linkage, too; or only in what it
    // embeds. Each includes those before it.
    enum class Depth : std::uint8_t { layout, declaration, deep };

    // An entity with rows.
    struct Changed {
        std::uint32_t entity;
        bool own;            // whether a row is
        Depth depth;         // the first one that includes it
        std::size_t row;     // the first of its rows
        std::uint32_t rows;  // their number
    };
    // Returns those of a depth that are marked in `selected`, which has an element per entity, in their
    // order.
    std::vector<Changed> changed(Depth depth, const std::vector<std::uint8_t>& selected) const;

    // Numbers of entities of one class.
    struct Counts {
        std::uint32_t added, removed;
        std::uint32_t own;      // others that changed by themselves
        std::uint32_t follows;  // others
    };
    // Counts what changed() returns.
    std::array<Counts, kClasses> counts(Depth depth, const std::vector<std::uint8_t>& selected) const;

    // Returns the rows of an entity and their number, 0 if it did not change.
    std::pair<const Row*, std::uint32_t> rows_of(std::uint32_t entity) const;

    // An entity that changed by itself, and the number of those that follow from it.
    struct Cause {
        std::uint32_t entity;
        std::uint32_t followers;
    };
    // Returns those with followers, the most first. Only followers that are marked in `counted` count, which
    // has an element per entity. Throws Error (not_supported) if there are too many.
    std::vector<Cause> causes(const std::vector<std::uint8_t>& counted) const;

    // Returns the entities that follow from one, in their order.
    std::vector<std::uint32_t> followers(std::uint32_t cause) const;
    // Returns the entities that one follows from, in their order.
    std::vector<std::uint32_t> causes_of(std::uint32_t entity) const;

private:
    void compare();
    void check_marks(const std::vector<std::uint8_t>& marks) const;
    Depth depth(std::uint32_t entity) const;
    void connect();
    std::uint32_t node(std::uint32_t entity) const;

    std::shared_ptr<History> history_;
    std::uint32_t before_, after_;
    std::vector<Row> rows_;
    std::vector<std::uint32_t> changed_;  // entities, ascending
    std::vector<std::size_t> starts_;     // of their rows, and the end
    std::vector<bool> own_;               // of each
    Dependencies dependencies_;           // between their indices
};

}  // namespace btfmmap::diff
