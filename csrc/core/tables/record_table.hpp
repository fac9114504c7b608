#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

#include "core/base/arena.hpp"
#include "core/index/index.hpp"
#include "core/tables/table.hpp"
#include "core/tables/tables.hpp"

namespace btfmmap {

// The columns of a table of records. Each is built when it is first asked for. Thread-safe.
class RecordTable {
public:
    // The columns with these numbers, as bits.
    using Columns = std::uint32_t;
    static constexpr Columns kAll = (Columns{1} << TableKind::kMaxColumns) - 1;

    // Builds missing columns in one pass over the records, and `indptr` if there is one. If it throws, the
    // next call builds them again. `index` and `arena` must outlive the table.
    void build(const TableKind& kind, const Index& index, Arena& arena, Columns wanted);

    // Valid after build().
    std::size_t rows() const { return rows_; }
    // Returns a column that has been built.
    const Column& column(std::size_t number) const { return columns_[number]; }
    const Column& column(std::string_view name) const;
    // Returns all columns. Those that were not built have no data.
    std::vector<Column> columns() const;

private:
    std::mutex mutex_;
    std::atomic<Columns> built_{0};
    std::size_t rows_ = 0;
    std::array<Column, TableKind::kMaxColumns> columns_ = {};
};

}  // namespace btfmmap
