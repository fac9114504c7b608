#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/diff/history.hpp"
#include "core/diff/rows.hpp"
#include "core/diff_report/lines.hpp"
#include "core/diff_report/member_lines.hpp"
#include "core/diff_report/type_texts.hpp"

namespace btfmmap::diff {

// Returns what changed about an entity as a whole, to follow its name: ", 8 -> 12 bytes" if its size did,
// " (signed -> unsigned)" for the encoding of a base type. Otherwise, it is empty. Rows are those of the
// entity.
std::string headline(Class class_, const Row* rows, std::uint32_t count);

// Writes what changed about an entity, below its name.
class EntityLines {
public:
    EntityLines(const History& history, Lines& lines)
        : history_(history), lines_(lines), types_(history), members_(history, types_, lines) {}

    // Writes what headline() does not return.
    void write(Class class_, const Row* rows, std::uint32_t count);

private:
    void write_sentence(const Row& row);
    void write_renumbered();
    void append_name(const Side& side);
    void append_tags(const Side& side);
    void append_change(const Side& before, const Side& after);

    const History& history_;
    Lines& lines_;
    TypeTexts types_;
    MemberLines members_;
    std::vector<const Row*> of_members_, renumbered_;
    std::string line_;
};

}  // namespace btfmmap::diff
