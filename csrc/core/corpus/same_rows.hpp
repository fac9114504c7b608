#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/corpus/entry.hpp"
#include "core/corpus/row_pairs.hpp"

namespace btfmmap::corpus {

// Finds the rows of a standalone BTF that the catalog numbers as it has numbered their pairs before.
//
// A record of the catalog mentions types with a name by a token, that is by kind, name and ordinal, and has
// the sizes of members, the holes between them, and the fingerprint in depth declaration. So a row is the
// same if its own content is, and each type that it refers to has
// - the same token, if it is a struct or union with a name, or behind a pointer and has a name;
// - otherwise, the same record;
// - the same size and alignment, if it is that of a member, parameter, typedef or variable.
// The fingerprint of a typedef or variable also contains the layout of what it stands for, and that of a
// struct the layouts of its members without a name: these types must have the same record too.
//
// Several equal types without a name, and what refers to them, do not count as the same: their ordinals
// follow from the order in which types are added. Nor do types that contain themselves. They are numbered as
// new ones are.
class SameRows {
public:
    // `now` has the tokens of the types with a name, and 0 for others. `equals` has those of `before`, and
    // perhaps others. Both BTFs have the same byte order and pointer size.
    SameRows(const RowPairs& pairs, const Entry& now, const Entry& before,
             const std::vector<std::uint32_t>& equals);

    bool operator[](std::size_t row) const { return states_[row] == State::same; }

    enum class State : std::uint8_t { unknown, entered, same, different };

private:
    std::vector<State> states_;
};

}  // namespace btfmmap::corpus
