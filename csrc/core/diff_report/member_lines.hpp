#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/diff/history.hpp"
#include "core/diff/rows.hpp"
#include "core/diff_report/lines.hpp"
#include "core/diff_report/type_texts.hpp"

namespace btfmmap::diff {

// Writes which members of a struct or union changed, in the order of their offsets. The old kernel is on the
// left and the new one on the right; or, if one of the members is too long for that, each old member is above
// the new one.
class MemberLines {
public:
    MemberLines(const History& history, TypeTexts& types, Lines& lines)
        : history_(history), types_(types), lines_(lines) {}

    // The rows are those of members. Those of one member follow each other.
    void write(const std::vector<const Row*>& rows);

private:
    // What changed about one member.
    struct Item {
        const Row* first;
        std::uint32_t count;  // of its rows, which follow each other
        bool inside, nested;

        const Side& before() const { return first->before; }
        const Side& after() const { return first->after; }
        // The side after, or before if it was removed.
        const Side& latest() const { return after().bit_offset >= 0 ? after() : before(); }
        // Whether it only moved, because of what precedes it.
        bool is_shifted() const { return count == 1 && first->change == Change::member_moved && !first->own; }
        std::int64_t shift() const { return after().bit_offset - before().bit_offset; }
    };

    void group(const std::vector<const Row*>& rows);
    void remove_twins();
    using ByPath = std::unordered_map<std::uint32_t, const Item*>;
    bool has_twin(const Item& item, const ByPath& others) const;
    std::size_t run_end(std::size_t start) const;
    bool fit_side_by_side();

    void write_run(std::size_t start, std::size_t end, bool side_by_side);
    void write_side_by_side(const Item& item);
    void write_below(const Item& item);
    void append_side(const Side& side);
    void append_offset(const Side& side);
    void append_member(const Side& side);
    void append_marks(const Item& item);
    std::size_t side_length(const Side& side);

    const History& history_;
    TypeTexts& types_;
    Lines& lines_;
    std::vector<Item> items_;
    std::size_t digits_ = 0;  // of the longest offset
    std::size_t side_ = 0;    // characters of a side
    std::string line_;
};

}  // namespace btfmmap::diff
