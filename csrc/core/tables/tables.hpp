#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/base/arena.hpp"
#include "core/index/index.hpp"

namespace btfmmap {

// One array of a table. `format` is its element type as a format character of Python's struct module, in
// native byte order: B u8, ? bool, I u32, i i32, Q u64, q i64.
struct Column {
    const char* name;
    char format;
    std::uint8_t item_size;
    std::size_t rows;
    const void* data;
};

// Columns of equal length. A table of elements also has the column `indptr`: the elements of type row r are
// the rows from indptr[r] up to, but not including, indptr[r + 1].
class Table {
public:
    // The minimum slack (see u8x16.hpp) of an added column, in elements. Loops may overwrite it.
    static constexpr std::size_t kSlack = 4;

    explicit Table(Arena& arena) : arena_(arena) {}

    const std::vector<Column>& columns() const { return columns_; }
    // Returns the column of that name, which the table must have.
    const Column& column(std::string_view name) const;

    // Adds a column and returns its memory, which the caller fills.
    template <class T>
    T* add(const char* name, std::size_t rows, std::size_t slack = kSlack) {
        T* data = arena_.allocate<T>(rows + slack);
        add_view(name, data, rows);
        return data;
    }

    // Adds a column whose memory belongs to another object.
    template <class T>
    void add_view(const char* name, const T* data, std::size_t rows) {
        columns_.push_back({name, format_of<T>(), sizeof(T), rows, data});
    }

private:
    template <class T>
    static constexpr char format_of() {
        if constexpr (std::is_same_v<T, bool>) {
            return '?';
        } else if constexpr (std::is_same_v<T, std::uint8_t>) {
            return 'B';
        } else if constexpr (std::is_same_v<T, std::uint32_t>) {
            return 'I';
        } else if constexpr (std::is_same_v<T, std::int32_t>) {
            return 'i';
        } else if constexpr (std::is_same_v<T, std::uint64_t>) {
            return 'Q';
        } else {
            static_assert(std::is_same_v<T, std::int64_t>);
            return 'q';
        }
    }

    Arena& arena_;
    std::vector<Column> columns_;
};

struct TableKind {
    std::string_view name;
    Table (*build)(const Index& index, Arena& arena);  // both must outlive the table
};

// Returns the index in kTables of the table of that name; kTables.size() if there is none.
std::size_t table_number(std::string_view name);

// All tables. Their columns are documented in python/btfmmap/tables.py.
extern const std::array<TableKind, 10> kTables;

}  // namespace btfmmap
