#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "core/index/index.hpp"

namespace btfmmap {

class RecordColumns;

// A table of the records of one kind, or of their elements.
//
// A table of elements also has the column `indptr`: the elements of type row r are the rows from indptr[r] up
// to, but not including, indptr[r + 1].
struct TableKind {
    static constexpr std::size_t kMaxColumns = 7;

    std::string_view name;
    std::array<const char*, kMaxColumns> columns;  // their names; nullptr after the last
    // Sets the number of rows, `indptr`, and columns that cost nothing.
    void (*prepare)(const Index& index, RecordColumns& columns);
    // Fills the columns that are missing then.
    void (*fill)(const Index& index, RecordColumns& columns);
};

// Returns the index in kTables of the table of that name; kTables.size() if there is none.
std::size_t table_number(std::string_view name);

// Returns the number of a column; kMaxColumns if the table has none of that name.
std::size_t column_number(const TableKind& kind, std::string_view name);
std::size_t column_count(const TableKind& kind);

// All tables. Their columns are documented in python/btfmmap/tables.py.
extern const std::array<TableKind, 10> kTables;

}  // namespace btfmmap
