#include "bindings/arrays.hpp"

#include <pybind11/numpy.h>

#include <cstdint>
#include <utility>

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

py::dtype dtype_of(char format) {
    switch (format) {
        case '?':
            return py::dtype::of<bool>();
        case 'B':
            return py::dtype::of<std::uint8_t>();
        case 'I':
            return py::dtype::of<std::uint32_t>();
        case 'i':
            return py::dtype::of<std::int32_t>();
        default:
            return py::dtype::of<std::int64_t>();
    }
}

}  // namespace

py::dict array_columns(const py::object& owner, const std::vector<Column>& columns) {
    py::dict arrays;
    for (const Column& column : columns) {
        py::array array(dtype_of(column.format), column.rows, column.data, owner);
        // Like setflags(write=False), but without a call through Python.
        py::detail::array_proxy(array.ptr())->flags &= ~py::detail::npy_api::NPY_ARRAY_WRITEABLE_;
        arrays[column.name] = std::move(array);
    }
    return arrays;
}

}  // namespace btfmmap::bindings
