#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <string_view>
#include <vector>

// Names are bytes in BTF; as str they use surrogateescape, so that any bytes survive the way there and back.
namespace btfmmap::bindings {

inline pybind11::str to_str(std::string_view text) {
    PyObject* str =
        PyUnicode_DecodeUTF8(text.data(), static_cast<pybind11::ssize_t>(text.size()), "surrogateescape");
    if (str == nullptr) {
        throw pybind11::error_already_set();
    }
    return pybind11::reinterpret_steal<pybind11::str>(str);
}

inline std::string to_bytes(const pybind11::str& text) {
    PyObject* encoded = PyUnicode_AsEncodedString(text.ptr(), "utf-8", "surrogateescape");
    if (encoded == nullptr) {
        throw pybind11::error_already_set();
    }
    return pybind11::reinterpret_steal<pybind11::bytes>(encoded);
}

}  // namespace btfmmap::bindings
