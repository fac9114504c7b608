#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <vector>

#include "bindings/named_tuple.hpp"
#include "bindings/register.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

// Returns an instance of a named tuple's class for each row of columns of equal length.
py::list named_tuples(const py::type& of, const std::vector<py::list>& columns) {
    PyTypeObject* type = named_tuple_type(of);
    const std::size_t count = columns.empty() ? 0 : columns[0].size();
    for (const py::list& column : columns) {
        if (column.size() != count) {
            throw py::value_error("columns of " + std::to_string(count) + " and " +
                                  std::to_string(column.size()) + " rows");
        }
    }
    py::list rows(count);
    for (std::size_t row = 0; row != count; ++row) {
        const py::object made = new_named_tuple(type, static_cast<py::ssize_t>(columns.size()));
        for (std::size_t i = 0; i != columns.size(); ++i) {
            PyTuple_SET_ITEM(made.ptr(), static_cast<py::ssize_t>(i),
                             py::object(columns[i][row]).release().ptr());
        }
        PyList_SET_ITEM(rows.ptr(), static_cast<py::ssize_t>(row), made.inc_ref().ptr());
    }
    return rows;
}

}  // namespace

void register_named_tuples(py::module_& module) {
    module.def("named_tuples", named_tuples, py::arg("type"), py::arg("columns"));
}

}  // namespace btfmmap::bindings
