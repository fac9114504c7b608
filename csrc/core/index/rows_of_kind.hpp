#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/format/wire_format.hpp"
#include "core/index/index.hpp"
#include "core/simd/u8x16.hpp"

namespace btfmmap {

// The records of some kinds, in id order.
//
// Kinds follow one another in no order that a processor could learn, so a branch a record would cost more
// than the work it skips. Instead 64 kinds at once become a mask, and its bits a list of rows, a block at a
// time.
template <Kind... kinds>
class RowsOfKind {
public:
    explicit RowsOfKind(const Index& index) : RowsOfKind(index, index.rows()) {}

    // Of the rows before `end`, a multiple of kMaskBits or the end of the index.
    RowsOfKind(const Index& index, std::size_t end) : index_(index), end_(end) {}

    std::size_t records() const {
        std::size_t count = 0;
        for (std::size_t start = 0; start < end_;) {
            // As many as a byte can count.
            const std::size_t end = std::min(end_, start + 255 * sizeof(U8x16));
            U8x16 counts = {};
            for (; start < end; start += sizeof(U8x16)) {
                const U8x16 kind = load_vector<U8x16>(index_.kinds() + start);
                counts -= (lane_mask(kind == static_cast<std::uint8_t>(kinds)) | ...);
            }
            for (std::size_t i = 0; i != sizeof counts; ++i) {
                count += counts[i];
            }
        }
        return count;
    }

    // Which of kMaskBits kinds are among those.
    static std::uint64_t mask(const std::uint8_t* kind_bytes) {
        return match_mask<static_cast<std::uint8_t>(kinds)...>(kind_bytes);
    }

    // Calls `visit(row)` for each record.
    template <class Visit>
    void each(Visit visit) const {
        for (Block block(*this); block.next();) {
            for (const std::uint16_t number : block) {
                visit(block.first() + number);
            }
        }
    }

    // The rows, one block of them after the other, as numbers that count from the block's first row. A loop
    // over them is written out where it has variables that change from record to record: captured by a
    // visitor they would be in memory, and each record wait for the one before.
    class Block {
    public:
        static constexpr std::size_t kRows = 8 * kMaskBits;

        explicit Block(const RowsOfKind& rows) : kinds_(rows.index_.kinds()), end_row_(rows.end_) {}

        // Goes to the next one and returns whether there is one.
        bool next() {
            if (next_row_ >= end_row_) {
                return false;
            }
            const std::size_t rows = std::min(kRows, end_row_ - next_row_);
            std::uint16_t* end = relative_rows_;
            U16x8 first = {};
            for (std::size_t at = 0; at < rows; at += kMaskBits, first += kMaskBits) {
                if (const std::uint64_t found = mask(kinds_ + next_row_ + at)) {
                    end = append_set_bits(found, first, end);
                }
            }
            end_ = end;
            first_ = static_cast<std::uint32_t>(next_row_);
            next_row_ += rows;
            return true;
        }

        std::uint32_t first() const { return first_; }
        const std::uint16_t* begin() const { return relative_rows_; }
        const std::uint16_t* end() const { return end_; }
        std::size_t size() const { return static_cast<std::size_t>(end_ - relative_rows_); }

        // Repeats the last number behind the end, so that four at once can be read.
        void pad() {
            static_assert(kU16Lanes >= 3);
            if (end_ != relative_rows_) {
                std::fill_n(end_, 3, end_[-1]);
            }
        }

    private:
        const std::uint8_t* kinds_;
        std::size_t next_row_ = 0;
        std::size_t end_row_;
        std::uint32_t first_;
        std::uint16_t* end_;
        std::uint16_t relative_rows_[kRows + kU16Lanes];
    };

private:
    const Index& index_;
    std::size_t end_;
};

}  // namespace btfmmap
