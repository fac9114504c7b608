#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/arena.hpp"
#include "core/tables/table.hpp"

namespace btfmmap {

// Where a loop over records writes one column. Loops may store a SIMD vector at each row, see Table::kSlack.
//
// All rows of a column that is not missing are written to the same few bytes: a test per row would cost more.
template <class T>
class ColumnSink {
public:
    ColumnSink(T* data, bool wanted) : data_(data), mask_(wanted ? SIZE_MAX : 0) {}

    T* operator+(std::size_t row) const { return data_ + (row & mask_); }
    T& operator[](std::size_t row) const { return data_[row & mask_]; }

private:
    T* data_;
    std::size_t mask_;
};

// Columns of a table. One pass over the records fills the missing ones.
class RecordColumns {
public:
    // `missing` has a bit for each column.
    RecordColumns(Arena& arena, Column* columns, std::size_t count, std::uint32_t missing)
        : arena_(arena), columns_(columns), count_(count), missing_(missing) {
        const bool has_indptr = columns[0].name == std::string_view("indptr");
        all_missing_ = (missing | (has_indptr ? 1U : 0U)) == (std::uint32_t{1} << count) - 1;
    }

    // Whether there are columns to fill, besides those that were set.
    bool any_missing() const { return missing_ != 0; }
    // Whether all columns were missing at first, except perhaps `indptr`. Loops are compiled for this case
    // too, since ColumnSink takes a tenth more instructions.
    bool all_missing() const { return all_missing_; }

    // Sets the number of rows of all columns but `indptr`.
    void set_rows(std::size_t rows) { rows_ = rows; }
    std::size_t rows() const { return rows_; }

    // Returns where to write the column of that name, which the table must have: a pointer or a ColumnSink.
    template <class T, bool all>
    auto sink(std::string_view name) {
        if constexpr (all) {
            return allocate<T>(at(name), rows_, Table::kSlack);
        } else {
            return sink<T>(at(name));
        }
    }

    // Sets a column whose memory belongs to another object.
    template <class T>
    void add_view(std::string_view name, const T* data) {
        Column& column = at(name);
        if (is_missing(column)) {
            set(column, data, rows_);
            missing_ &= ~bit(column);
        }
    }

    // Sets the column `indptr`, which `fill(indptr)` fills if it is missing.
    template <class Fill>
    void set_indptr(std::size_t size, std::size_t slack, Fill fill) {
        Column& column = at("indptr");
        if (is_missing(column)) {
            fill(allocate<std::uint32_t>(column, size, slack));
            missing_ &= ~bit(column);
        }
    }
    const std::uint32_t* indptr() { return static_cast<const std::uint32_t*>(at("indptr").data); }

private:
    std::uint32_t bit(const Column& column) const { return std::uint32_t{1} << (&column - columns_); }
    bool is_missing(const Column& column) const { return (missing_ & bit(column)) != 0; }

    Column& at(std::string_view name) {
        return *std::find_if(columns_, columns_ + count_,
                             [name](const Column& each) { return std::string_view(each.name) == name; });
    }

    template <class T>
    ColumnSink<T> sink(Column& column) {
        if (!is_missing(column)) {
            static_assert(sizeof scratch_ >= Table::kSlack * sizeof(T));
            return {reinterpret_cast<T*>(scratch_), false};
        }
        return {allocate<T>(column, rows_, Table::kSlack), true};
    }

    template <class T>
    T* allocate(Column& column, std::size_t rows, std::size_t slack) {
        T* data = arena_.allocate<T>(rows + slack);
        set(column, data, rows);
        return data;
    }

    // Does not write the name, which other threads may read.
    template <class T>
    static void set(Column& column, const T* data, std::size_t rows) {
        column.format = format_of<T>();
        column.item_size = sizeof(T);
        column.rows = rows;
        column.data = data;
    }

    Arena& arena_;
    Column* columns_;
    std::size_t count_;
    std::uint32_t missing_;
    bool all_missing_;
    std::size_t rows_ = 0;
    alignas(64) std::byte scratch_[64];
};

}  // namespace btfmmap
