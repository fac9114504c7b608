#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "core/format.hpp"
#include "core/index.hpp"
#include "core/selection.hpp"
#include "core/words.hpp"

// What follows the heads of records, as rows of a table: members, parameters, enumerators, section entries.
//
// Records have few elements, and how many cannot be foreseen, nor how far it is to the next record of a kind.
// A loop whose end depends on that costs more by its mispredicted branch than by its work. So of each record
// four elements are written, however many there are; what is too much is overwritten by the next record's.
// Those that have more are noted, without a branch, and their other elements written afterwards, the last
// four of them aligned to the end, so that nothing of the next record is overwritten. So is
// `indptr` filled: eight items for each record, and longer gaps between records afterwards.
namespace btfmmap {

// So many items past the end of a column and of `indptr` may be written.
constexpr std::uint32_t kWrittenPast = 2 * kWords;

// How many elements all records of those kinds have. The elements are of one size, so the bytes behind the
// heads are added up, and divided once.
template <Kind... kinds>
std::size_t count_children(const Index& index) {
    constexpr std::uint32_t size = std::max({shape_of(kinds).element...});
    static_assert(((shape_of(kinds).element == size && shape_of(kinds).fixed == 0) && ...));
    const std::uint32_t* offsets = index.offsets();
    Words bytes = {};
    for (std::size_t block = 0; block < index.rows(); block += kMaskedBytes) {
        const std::uint8_t* kind = index.kinds() + block;
        if (Selection<kinds...>::mask(kind) == 0) {
            continue;
        }
        for (std::size_t row = 0; row != kMaskedBytes; row += sizeof(Letters)) {
            const Letters letters = load_vector<Letters>(kind + row);
            const std::array<Words, 4> wanted =
                widened((marked(letters == static_cast<std::uint8_t>(kinds)) | ...));
            for (std::size_t part = 0; part != wanted.size(); ++part) {
                const std::uint32_t* start = offsets + block + row + part * kWords;
                bytes +=
                    (load_vector<Words>(start + 1) - load_vector<Words>(start) - kHeadSize) & wanted[part];
            }
        }
    }
    return (std::size_t{bytes[0]} + bytes[1] + bytes[2] + bytes[3]) / size;
}

template <Kind... kinds>
class Children {
public:
    // Fills `parent` and `indptr`. Calls `visit(row, record)` for a record, twice if it has more than four
    // elements, and calls what that returns with (child, elements), to write four elements to the table's
    // rows from `child` on.
    template <class Visit>
    static void each_four(const Index& index, std::uint32_t* parent, std::uint32_t* indptr, Visit visit) {
        Children children(index);
        while (children.block_.next()) {
            children.place(indptr);
            children.write(parent, visit);
        }
        fill(indptr, children.next_type_, static_cast<std::uint32_t>(index.rows()) + 1, children.count_);
    }

private:
    using Block = typename Selection<kinds...>::Block;

    explicit Children(const Index& index) : index_(index), block_(Selection<kinds...>(index)) {}

    // The size of one of a record's elements; known to the compiler where all are alike.
    std::uint32_t element_size(std::uint32_t row) const {
        constexpr std::uint32_t size = std::max({shape_of(kinds).element...});
        if constexpr (((shape_of(kinds).element == size) && ...)) {
            return size;
        } else {
            return shape_of(index_.kind(row)).element;
        }
    }

    static constexpr std::uint32_t kHead = kHeadSize;

    static void fill(std::uint32_t* items, std::uint32_t at, Words value) {
        store_words(items + at, value);
        store_words(items + at + kWords, value);
    }

    // Items from `begin` to `end`, and up to kWrittenPast - 1 more.
    static void fill(std::uint32_t* items, std::uint32_t begin, std::uint32_t end, std::uint32_t value) {
        for (; begin < end; begin += kWrittenPast) {
            fill(items, begin, Words{} + value);
        }
    }

    // Finds where the elements of the block's records go.
    void place(std::uint32_t* indptr) {
        struct Gap {
            std::uint32_t begin, end;
        };
        Gap wide[Block::kRows];
        Gap* wide_end = wide;
        const std::uint32_t* offsets = index_.offsets();
        std::uint32_t begin = next_type_;
        std::uint32_t child = count_;
        std::uint32_t* first = first_child_;
        for (const std::uint32_t row : block_) {
            fill(indptr, begin, Words{} + child);
            *wide_end = {begin, row + 1};
            wide_end += row + 1 - begin > kWrittenPast;
            begin = row + 1;
            *first++ = child;
            child += (offsets[row + 1] - offsets[row] - kHead) / element_size(row);
        }
        *first = child;
        next_type_ = begin;
        count_ = child;
        for (const Gap* gap = wide; gap != wide_end; ++gap) {
            const std::uint32_t last = gap->end - kWrittenPast;
            const std::uint32_t value = indptr[gap->begin];
            fill(indptr, gap->begin + kWrittenPast, last, value);
            fill(indptr, last, Words{} + value);
        }
    }

    template <class Visit>
    void write(std::uint32_t* parent, Visit visit) const {
        constexpr std::uint32_t widest = kWords * std::max({shape_of(kinds).element...});
        std::byte end_of_section[widest] = {};
        std::uint32_t longer[Block::kRows];
        std::uint32_t* longer_end = longer;
        const std::uint32_t* offsets = index_.offsets();
        const std::byte* section = index_.record(0);
        const std::uint32_t section_size = offsets[index_.rows()];
        const Words first_id = Words{} + index_.first_id();
        const std::uint32_t* rows = block_.begin();
        const auto size = static_cast<std::uint32_t>(block_.size());
        for (std::uint32_t i = 0; i != size; ++i) {
            const std::uint32_t row = rows[i];
            const std::uint32_t child = first_child_[i];
            const std::byte* record = section + offsets[row];
            const std::uint32_t readable = section_size - offsets[row] - kHead;
            const std::byte* elements = record + kHead;
            if (readable < widest) {
                elements = std::copy_n(elements, readable, end_of_section) - readable;
            }
            store_words(parent + child, first_id + row);
            visit(row, record)(child, elements);
            *longer_end = i;
            longer_end += first_child_[i + 1] - child > kWords;
        }
        for (const std::uint32_t* i = longer; i != longer_end; ++i) {
            const std::uint32_t row = rows[*i];
            const std::byte* record = section + offsets[row];
            const auto write_four = visit(row, record);
            const std::uint32_t last = first_child_[*i + 1] - kWords;
            const std::byte* elements = record + kHead;
            for (std::uint32_t child = first_child_[*i] + kWords; child < last; child += kWords) {
                elements += kWords * element_size(row);
                store_words(parent + child, first_id + row);
                write_four(child, elements);
            }
            store_words(parent + last, first_id + row);
            write_four(last, section + offsets[row + 1] - kWords * element_size(row));
        }
    }

    const Index& index_;
    Block block_;
    std::uint32_t next_type_ = 0;
    std::uint32_t count_ = 0;
    std::uint32_t first_child_[Block::kRows + 1];
};

}  // namespace btfmmap
