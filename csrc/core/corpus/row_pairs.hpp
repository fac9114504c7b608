#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/btf/btf.hpp"
#include "core/corpus/string_pairs.hpp"

namespace btfmmap::corpus {

// Pairs the rows of a standalone BTF with those of another one in order, by kind and name, or by the names of
// some elements. In two releases of one kernel, types have nearly the same order; each difference shifts the
// IDs of all types that follow.
class RowPairs {
public:
    static constexpr std::uint32_t kNone = UINT32_MAX;

    // Both BTFs have the same byte order.
    RowPairs(const Btf& now, const Btf& before);

    // Whether the search came to its end. It is given up where few rows have pairs.
    bool is_complete() const { return is_complete_; }

    // Returns the row before, of a row now; kNone if there is none.
    std::uint32_t operator[](std::size_t row) const { return rows_[row]; }

    // Whether the names at two offsets are equal.
    bool same_name(std::uint32_t now, std::uint32_t before) const { return names_.equal(now, before); }

private:
    void pair_rows();
    bool fits(std::size_t row, std::size_t row_before) const;
    bool elements_fit(std::size_t row, std::size_t row_before) const;
    bool run_fits(std::size_t row, std::size_t row_before) const;
    // Advances both rows to where they fit again, or past what does not.
    void skip(std::size_t& row, std::size_t& row_before);

    const Btf& now_;
    const Btf& before_;
    const StringPairs names_;
    std::vector<std::uint32_t> rows_;
    std::size_t compared_ = 0;  // by skip()
    bool is_complete_ = true;
};

}  // namespace btfmmap::corpus
