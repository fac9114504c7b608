#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/byte_mask.hpp"
#include "core/format.hpp"
#include "core/index.hpp"

namespace btfmmap {

// One record: its row, where it starts and where it ends.
struct Record {
    std::uint32_t row;
    const std::byte* head;
    const std::byte* end;
};

// The records of some kinds, in id order.
//
// Kinds follow one another in no order that a processor could learn, so a branch a record would cost more
// than the work it skips. Instead 64 kinds at once become a mask, and its bits a list of rows, a block at a
// time.
template <Kind... kinds>
class Selection {
public:
    explicit Selection(const Index& index) : Selection(index, 0, index.rows()) {}

    // Of rows from `first`, a multiple of kMaskedBytes, to before `end`, another one or that of the index.
    Selection(const Index& index, std::size_t first, std::size_t end)
        : index_(index), first_(first), end_(end) {}

    std::size_t records() const {
        const auto wanted = [](std::uint8_t kind) {
            return ((kind == static_cast<std::uint8_t>(kinds)) | ...);
        };
        return static_cast<std::size_t>(
            std::count_if(index_.kinds() + first_, index_.kinds() + end_, wanted));
    }

    // What follows the heads of all of them: members, parameters, ...
    std::size_t elements() const {
        std::size_t count = 0;
        each([&](std::uint32_t row) { count += elements(row); });
        return count;
    }

    // Of one record.
    std::uint32_t elements(std::uint32_t row) const {
        std::uint32_t count = 0;
        ((index_.kind(row) == kinds ? void(count = index_.elements(row, shape_of(kinds))) : void()), ...);
        return count;
    }

    // Calls `visit(row)` for each record.
    template <class Visit>
    void each(Visit visit) const {
        constexpr std::size_t block = 8 * kMaskedBytes;
        std::uint32_t picked[block + 8];
        const std::uint8_t* kind = index_.kinds();
        for (std::size_t start = first_; start < end_; start += block) {
            std::uint32_t* end = picked;
            for (std::size_t at = start; at < std::min(start + block, end_); at += kMaskedBytes) {
                const std::uint64_t mask = (equal_bytes(kind + at, static_cast<std::uint8_t>(kinds)) | ...);
                if (mask != 0) {
                    end = append_set_bits(mask, static_cast<std::uint32_t>(at), end);
                }
            }
            for (const std::uint32_t* row = picked; row != end; ++row) {
                visit(*row);
            }
        }
    }

    // Calls `visit(record)` for each record. Its visitor finds in there all that it needs of the index, which
    // would be loaded again after each byte that it stores: bytes may alias anything.
    template <class Visit>
    void each_record(Visit visit) const {
        const std::byte* section = index_.record(0);
        const std::uint32_t* offsets = index_.offsets();
        each([visit, section, offsets](std::uint32_t row) mutable {
            visit(Record{row, section + offsets[row], section + offsets[row + 1]});
        });
    }

private:
    const Index& index_;
    std::size_t first_;
    std::size_t end_;
};

}  // namespace btfmmap
