#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/input/mapping.hpp"
#include "core/tables/table.hpp"

namespace btfmmap::bindings {

// A read-only array inside an object such as a Btf, which it keeps alive. Supports Python's buffer protocol,
// so that numpy and memoryview can use it without a copy. In Python it is a sequence too: a slice is a list.
// It is immutable, so threads may share it. They must not share a memoryview: on free-threaded Pythons,
// threads that slice the same one corrupt its count of exports.
struct View {
    std::shared_ptr<const void> owner;
    const void* data;
    std::size_t rows;
    std::size_t item_size;
    std::string format;
};

inline View view_bytes(std::shared_ptr<const void> owner, Bytes bytes) {
    return {std::move(owner), bytes.data, bytes.size, 1, "B"};
}

// Returns a view that owns its items.
template <class T>
View view_of(std::vector<T> items, std::string format) {
    const auto owner = std::make_shared<const std::vector<T>>(std::move(items));
    return {owner, owner->data(), owner->size(), sizeof(T), std::move(format)};
}

// Returns columns by name.
pybind11::dict view_columns(const std::shared_ptr<const void>& owner, const std::vector<Column>& columns);

}  // namespace btfmmap::bindings
