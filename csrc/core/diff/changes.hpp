#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

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

    // An entity with rows.
    struct Changed {
        std::uint32_t entity;
        bool own;       // whether a row is
        bool declared;  // whether its declaration or layout, its tags or its linkage differ
        bool layout;    // whether its layout differs
    };
    // Returns all, in their order.
    std::vector<Changed> changed() const;

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
    struct Edges {
        std::vector<std::size_t> starts;
        std::vector<std::uint32_t> ends;
    };

    void compare();
    void connect();
    std::uint32_t node(std::uint32_t entity) const;
    std::vector<std::uint32_t> in_dependency_order() const;
    std::vector<std::uint32_t> reached(const Edges& edges, std::uint32_t entity) const;

    std::shared_ptr<History> history_;
    std::uint32_t before_, after_;
    std::vector<Row> rows_;
    std::vector<std::uint32_t> changed_;  // entities, ascending
    std::vector<bool> own_;               // of each
    Edges uses_, used_by_;                // between their indices
};

}  // namespace btfmmap::diff
