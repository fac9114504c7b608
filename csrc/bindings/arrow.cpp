#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bindings/held_buffer.hpp"
#include "bindings/integers.hpp"
#include "bindings/register.hpp"
#include "core/arrow/export.hpp"
#include "core/arrow/string_views.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

using arrow::Column;
using ColumnPtr = std::shared_ptr<Column>;

ColumnPtr column_of(std::string name, std::string format, std::int64_t rows, const py::sequence& buffers,
                    ColumnPtr dictionary) {
    const auto held = std::make_shared<std::vector<std::shared_ptr<const Py_buffer>>>();
    auto column = std::make_shared<Column>();
    column->name = std::move(name);
    column->format = std::move(format);
    column->rows = rows;
    column->buffers.push_back(nullptr);
    for (const py::handle buffer : buffers) {
        held->push_back(held_buffer(buffer));
        column->buffers.push_back(held->back()->buf);
    }
    column->owner = held;
    column->dictionary = std::move(dictionary);
    return column;
}

ColumnPtr string_views(const std::shared_ptr<Btf>& btf, std::string name, const py::object& offsets) {
    const auto wanted = to_integers(offsets);
    const py::gil_scoped_release unlocked;
    return std::make_shared<Column>(arrow::string_views(btf, std::move(name), wanted));
}

std::shared_ptr<const std::vector<Column>> shared(const std::vector<ColumnPtr>& columns) {
    auto all = std::make_shared<std::vector<Column>>();
    all->reserve(columns.size());
    for (const ColumnPtr& column : columns) {
        all->push_back(*column);
    }
    return all;
}

// Returns a capsule with `node`, which is released with it unless a consumer has moved it out.
template <class Node>
py::capsule capsule_of(std::unique_ptr<Node> node, const char* name) {
    PyObject* capsule = PyCapsule_New(node.get(), name, [](PyObject* self) {
        auto* held = static_cast<Node*>(PyCapsule_GetPointer(self, PyCapsule_GetName(self)));
        if (held->release != nullptr) {
            held->release(held);
        }
        delete held;
    });
    if (capsule == nullptr) {
        node->release(node.get());
        throw py::error_already_set();
    }
    node.release();
    return py::reinterpret_steal<py::capsule>(capsule);
}

py::capsule schema_of(const std::vector<ColumnPtr>& columns) {
    auto schema = std::make_unique<arrow::Schema>();
    arrow::export_schema(shared(columns), schema.get());
    return capsule_of(std::move(schema), "arrow_schema");
}

py::capsule stream_of(const std::vector<ColumnPtr>& columns, std::int64_t rows) {
    auto stream = std::make_unique<arrow::Stream>();
    arrow::export_stream(shared(columns), rows, stream.get());
    return capsule_of(std::move(stream), "arrow_array_stream");
}

}  // namespace

void register_arrow(py::module_& module) {
    py::class_<Column, ColumnPtr>(module, "ArrowColumn", "A column to hand over through Arrow's C interface.")
        .def(py::init(&column_of), py::arg("name"), py::arg("format"), py::arg("rows"), py::arg("buffers"),
             py::arg("dictionary"))
        .def_readonly("format", &Column::format);
    module.def("arrow_string_views", &string_views, py::arg("btf"), py::arg("name"), py::arg("offsets"));
    module.def("arrow_schema", &schema_of, py::arg("columns"));
    module.def("arrow_stream", &stream_of, py::arg("columns"), py::arg("rows"));
}

}  // namespace btfmmap::bindings
