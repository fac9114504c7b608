#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/format.hpp"
#include "core/index.hpp"

namespace btfmmap {

// The records of some kinds, in id order.
template <Kind... kinds>
class Selection {
public:
    explicit Selection(const Index& index) : index_(index) {}

    std::size_t records() const { return (index_.records_of(kinds) + ...); }
    std::size_t elements() const { return (index_.elements_of(kinds) + ...); }

    // Of one record.
    std::uint32_t elements(std::uint32_t row) const {
        std::uint32_t count = 0;
        ((index_.kind(row) == kinds ? void(count = index_.elements(row, shape_of(kinds))) : void()), ...);
        return count;
    }

    // Calls `visit(row)` for each record.
    //
    // Rows are picked a block at a time and without a branch: kinds follow one another in no order that a
    // processor could learn, so a branch a record would cost more than the work it skips.
    template <class Visit>
    void each(Visit visit) const {
        constexpr std::size_t block = 1024;
        std::uint32_t picked[block];
        const std::uint8_t* kind = index_.kinds();
        for (std::size_t start = 0; start < index_.rows(); start += block) {
            const std::size_t end = std::min(start + block, index_.rows());
            // Counting is vectorised, and passes over the many blocks that lack a rare kind.
            if (std::count_if(kind + start, kind + end, wanted) == 0) {
                continue;
            }
            std::size_t count = 0;
            for (std::size_t row = start; row != end; ++row) {
                picked[count] = static_cast<std::uint32_t>(row);
                count += wanted(kind[row]);
            }
            for (std::size_t i = 0; i != count; ++i) {
                visit(picked[i]);
            }
        }
    }

    // Calls `visit(row)` for each record, and what that returns with the address of each element.
    template <class Visit>
    void each_element(Visit visit) const {
        each([&](std::uint32_t row) {
            auto visit_element = visit(row);
            const std::size_t size = element_size(row);
            const std::byte* element = index_.record(row) + kHeadSize;
            for (std::uint32_t left = elements(row); left != 0; --left) {
                visit_element(element);
                element += size;
            }
        });
    }

private:
    static bool wanted(std::uint8_t kind) { return ((kind == static_cast<std::uint8_t>(kinds)) | ...); }

    std::size_t element_size(std::uint32_t row) const {
        std::size_t size = 0;
        ((index_.kind(row) == kinds ? void(size = shape_of(kinds).element) : void()), ...);
        return size;
    }

    const Index& index_;
};

}  // namespace btfmmap
