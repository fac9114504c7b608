#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <utility>

// Instances of the classes of named tuples. Python's own constructors take an iterable or a call of a Python
// function for each instance, several times as long.
namespace btfmmap::bindings {

// Returns the type object of a class of tuples.
inline PyTypeObject* named_tuple_type(const pybind11::type& of) {
    auto* type = reinterpret_cast<PyTypeObject*>(of.ptr());
    if (PyType_IsSubtype(type, &PyTuple_Type) == 0) {
        throw pybind11::type_error(std::string(type->tp_name) + " is not a class of tuples");
    }
    return type;
}

// Returns an instance whose items are to be set.
inline pybind11::object new_named_tuple(PyTypeObject* type, pybind11::ssize_t size) {
    auto made = pybind11::reinterpret_steal<pybind11::object>(type->tp_alloc(type, size));
    if (!made) {
        throw pybind11::error_already_set();
    }
    return made;
}

template <class... Items>
pybind11::object named_tuple(PyTypeObject* type, Items&&... items) {
    pybind11::object made = new_named_tuple(type, sizeof...(items));
    pybind11::ssize_t at = 0;
    (PyTuple_SET_ITEM(made.ptr(), at++, pybind11::object(std::forward<Items>(items)).release().ptr()), ...);
    return made;
}

}  // namespace btfmmap::bindings
