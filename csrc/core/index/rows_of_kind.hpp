#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/format/wire_format.hpp"
#include "core/index/index.hpp"
#include "core/simd/u8x16.hpp"

namespace btfmmap {

// The rows whose records are of the given kinds, in ID order.
//
// The order of kinds is unpredictable, so a branch per record would cost more in mispredictions than the work
// it skips. Instead, 64 kinds at a time are compared into a mask. The set bits of the mask are then expanded
// into a list of rows, one block at a time.
template <Kind... kinds>
class RowsOfKind {
public:
    explicit RowsOfKind(const Index& index) : RowsOfKind(index, index.rows()) {}

    // Considers only the rows before `end`, which is a multiple of kMaskBits or the end of the index.
    RowsOfKind(const Index& index, std::size_t end) : index_(index), end_(end) {}

    // Returns the number of rows of the given kinds.
    std::size_t records() const {
        std::size_t count = 0;
        for (std::size_t start = 0; start < end_;) {
            // A lane can count up to 255 matches before it overflows.
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

    // Compares kMaskBits kinds. Bit i of the result is set if kind i is one of the given kinds.
    static std::uint64_t mask(const std::uint8_t* kind_bytes) {
        return match_mask<static_cast<std::uint8_t>(kinds)...>(kind_bytes);
    }

    static constexpr bool contains(Kind kind) { return ((kind == kinds) || ...); }

    // Calls `visit(row)` for each row.
    template <class Visit>
    void each(Visit visit) const {
        for (Block block(*this); block.next();) {
            for (const std::uint16_t number : block) {
                visit(block.first() + number);
            }
        }
    }

    // Iterates over the rows, one block at a time. Row numbers are relative to the block's first row.
    //
    // A loop that updates variables from record to record should iterate over blocks itself. A visitor would
    // capture these variables and keep them in memory, so each update would have to wait until the previous
    // one is stored.
    class Block {
    public:
        static constexpr std::size_t kRows = 8 * kMaskBits;

        explicit Block(const RowsOfKind& rows) : kinds_(rows.index_.kinds()), end_row_(rows.end_) {}

        // Advances to the next block. Returns false if there is none.
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

        // Repeats the last row number after the end, so that numbers can be read four at a time.
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
