#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cerrno>
#include <exception>
#include <stdexcept>

#include "bindings/register.hpp"
#include "bindings/text.hpp"
#include "core/base/error.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

void set_system_error(const Error& error) {
    const auto path = py::reinterpret_steal<py::object>(PyUnicode_DecodeFSDefaultAndSize(
        error.message.data(), static_cast<py::ssize_t>(error.message.size())));
    errno = error.code;
    PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, path.ptr());
}

void set_btf_error(const char* class_name, const Error& error, const py::dict& details) {
    const py::str message = to_printable(error.message);
    const py::object type = py::module_::import("btfmmap.errors").attr(class_name);
    PyErr_SetObject(type.ptr(), py::object(type(message, **details)).ptr());
}

void translate(std::exception_ptr thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (const Error& error) {
        switch (error.kind) {
            case ErrorKind::format:
                return set_btf_error(
                    "FormatError", error,
                    py::dict(py::arg("offset") = error.offset, py::arg("type_id") = error.type_id));
            case ErrorKind::missing_base:
                return set_btf_error("MissingBaseError", error, {});
            case ErrorKind::not_found:
                return set_btf_error("NotFoundError", error, {});
            case ErrorKind::not_supported:
                return set_btf_error("NotSupportedError", error, {});
            case ErrorKind::invalid_argument:
                return PyErr_SetObject(PyExc_ValueError, to_printable(error.message).ptr());
            case ErrorKind::system:
                return set_system_error(error);
        }
    } catch (const std::length_error&) {
        PyErr_NoMemory();  // a vector larger than the address space
    }
}

}  // namespace

void register_errors(py::module_&) { py::register_local_exception_translator(translate); }

}  // namespace btfmmap::bindings
