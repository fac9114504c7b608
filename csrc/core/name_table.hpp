#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "core/index.hpp"
#include "core/name_hash.hpp"
#include "core/strings.hpp"

namespace btfmmap {

// A hash table from names to the rows that may have them: chains of rows, each ascending. Rows without a
// name, void's among them, are not in it.
class NameTable {
public:
    NameTable(const Index& index, const Strings& strings);

    // Calls `visit(row)` for rows that may have the name, ascending, until it returns true.
    template <class Visit>
    void each(std::string_view name, Visit visit) const {
        for (std::uint32_t row = heads_[hash_of(name) & mask_]; row != kEnd && !visit(row);
             row = next_[row]) {
        }
    }

private:
    static constexpr std::uint32_t kEnd = UINT32_MAX;

    std::uint32_t mask_;
    std::unique_ptr<std::uint32_t[]> heads_;  // bucket -> its lowest row, or kEnd
    std::unique_ptr<std::uint32_t[]> next_;   // row -> the next one of its bucket, or kEnd
};

}  // namespace btfmmap
