#include "bindings/view.hpp"

#include <pybind11/pybind11.h>

#include <cstdint>
#include <cstring>

#include "bindings/register.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

template <class Item>
Item item_at(const View& view, std::size_t row) {
    Item item;
    std::memcpy(&item, static_cast<const std::byte*>(view.data) + row * sizeof item, sizeof item);
    return item;
}

// Returns a new reference, or null after an error, like the functions below.
PyObject* item(const View& view, std::size_t row) {
    switch (view.format.size() == 1 ? view.format[0] : '\0') {
        case '?':
            return PyBool_FromLong(item_at<std::uint8_t>(view, row));
        case 'B':
            return PyLong_FromLong(item_at<std::uint8_t>(view, row));
        case 'i':
            return PyLong_FromLong(item_at<std::int32_t>(view, row));
        case 'I':
            return PyLong_FromUnsignedLong(item_at<std::uint32_t>(view, row));
        case 'q':
            return PyLong_FromLongLong(item_at<std::int64_t>(view, row));
        case 'Q':
            return PyLong_FromUnsignedLongLong(item_at<std::uint64_t>(view, row));
        default:
            return PyErr_Format(PyExc_NotImplementedError, "items of format '%s'", view.format.c_str());
    }
}

PyObject* items(const View& view, Py_ssize_t first, Py_ssize_t step, Py_ssize_t count) {
    PyObject* list = PyList_New(count);
    for (Py_ssize_t i = 0; list != nullptr && i != count; ++i) {
        PyObject* each = item(view, static_cast<std::size_t>(first + i * step));
        if (each == nullptr) {
            Py_CLEAR(list);
        } else {
            PyList_SET_ITEM(list, i, each);
        }
    }
    return list;
}

// The functions of the type are Python's slots: a method of pybind11 takes several times as long.

// Returns null, with an error set, if the object was made without the core.
const View* view_in(PyObject* self) {
    const auto* view =
        reinterpret_cast<py::detail::instance*>(self)->get_value_and_holder().value_ptr<View>();
    if (view == nullptr) {
        PyErr_SetString(PyExc_TypeError, "the View has no array");
    }
    return view;
}

Py_ssize_t length(PyObject* self) {
    const View* view = view_in(self);
    return view == nullptr ? -1 : static_cast<Py_ssize_t>(view->rows);
}

PyObject* item_of(PyObject* self, Py_ssize_t row) {
    const View* view = view_in(self);
    if (view == nullptr) {
        return nullptr;
    }
    if (row < 0 || static_cast<std::size_t>(row) >= view->rows) {
        return PyErr_Format(PyExc_IndexError, "row %zd of %zu", row, view->rows);
    }
    return item(*view, static_cast<std::size_t>(row));
}

PyObject* subscript(PyObject* self, PyObject* key) {
    const View* view = view_in(self);
    if (view == nullptr) {
        return nullptr;
    }
    const auto rows = static_cast<Py_ssize_t>(view->rows);
    if (PySlice_Check(key)) {
        Py_ssize_t first = 0;
        Py_ssize_t end = 0;
        Py_ssize_t step = 0;
        if (PySlice_Unpack(key, &first, &end, &step) != 0) {
            return nullptr;
        }
        return items(*view, first, step, PySlice_AdjustIndices(rows, &first, &end, step));
    }
    const Py_ssize_t row = PyNumber_AsSsize_t(key, PyExc_IndexError);
    if (row == -1 && PyErr_Occurred() != nullptr) {
        return nullptr;
    }
    return item_of(self, row < 0 ? row + rows : row);
}

void make_sequence(PyHeapTypeObject* type) {
    type->ht_type.tp_iter = PySeqIter_New;
    type->as_sequence.sq_length = length;
    type->as_sequence.sq_item = item_of;
    type->as_mapping.mp_length = length;
    type->as_mapping.mp_subscript = subscript;
}

}  // namespace

py::dict view_columns(const std::shared_ptr<const void>& owner, const std::vector<Column>& columns) {
    py::dict views;
    for (const Column& column : columns) {
        views[column.name] =
            View{owner, column.data, column.rows, column.item_size, std::string(1, column.format)};
    }
    return views;
}

void register_view(py::module_& module) {
    py::class_<View>(module, "View", py::buffer_protocol(), py::custom_type_setup(make_sequence),
                     "A read-only array inside an object that it keeps alive: a sequence, and a buffer for "
                     "memoryview() and numpy.")
        .def_buffer([](const View& view) {
            const auto rows = static_cast<py::ssize_t>(view.rows);
            const auto item_size = static_cast<py::ssize_t>(view.item_size);
            return py::buffer_info(const_cast<void*>(view.data), item_size, view.format, 1, {rows},
                                   {item_size}, /*readonly=*/true);
        });
}

}  // namespace btfmmap::bindings
