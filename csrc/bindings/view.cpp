#include "bindings/view.hpp"

#include <pybind11/pybind11.h>

#include "bindings/register.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

void register_view(py::module_& module) {
    py::class_<View>(module, "View", py::buffer_protocol(),
                     "A read-only array inside a Btf, which it keeps alive; for memoryview() and numpy.")
        .def_buffer([](const View& view) {
            const auto rows = static_cast<py::ssize_t>(view.rows);
            const auto item_size = static_cast<py::ssize_t>(view.item_size);
            return py::buffer_info(const_cast<void*>(view.data), item_size, view.format, 1, {rows},
                                   {item_size}, /*readonly=*/true);
        })
        .def("__len__", [](const View& view) { return view.rows; });
}

}  // namespace btfmmap::bindings
