#include "bindings/view.hpp"

#include <pybind11/pybind11.h>

#include "bindings/register.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

py::dict view_columns(const std::shared_ptr<const void>& owner, const Table& table) {
    py::dict columns;
    for (const Column& column : table.columns()) {
        columns[column.name] =
            View{owner, column.data, column.rows, column.item_size, std::string(1, column.format)};
    }
    return columns;
}

void register_view(py::module_& module) {
    py::class_<View>(module, "View", py::buffer_protocol(),
                     "A read-only array inside an object that it keeps alive; for memoryview() and numpy.")
        .def_buffer([](const View& view) {
            const auto rows = static_cast<py::ssize_t>(view.rows);
            const auto item_size = static_cast<py::ssize_t>(view.item_size);
            return py::buffer_info(const_cast<void*>(view.data), item_size, view.format, 1, {rows},
                                   {item_size}, /*readonly=*/true);
        })
        .def("__len__", [](const View& view) { return view.rows; });
}

}  // namespace btfmmap::bindings
