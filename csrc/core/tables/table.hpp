#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/base/arena.hpp"

namespace btfmmap {

// The element type of an array, as a format character of Python's struct module, in native byte order: B u8,
// ? bool, I u32, i i32, Q u64, q i64.
template <class T>
constexpr char format_of() {
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

// One array of a table. `format` is its element type, see format_of().
struct Column {
    const char* name;
    char format;
    std::uint8_t item_size;
    std::size_t rows;
    const void* data;
};

// Columns of equal length.
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
    Arena& arena_;
    std::vector<Column> columns_;
};

}  // namespace btfmmap
