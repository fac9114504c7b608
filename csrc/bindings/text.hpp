#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

// Names are bytes in BTF. They are decoded with surrogateescape, so that any bytes survive a round trip.
namespace btfmmap::bindings {

inline pybind11::str decoded(const char* text, std::size_t size) {
    PyObject* str = PyUnicode_DecodeUTF8(text, static_cast<pybind11::ssize_t>(size), "surrogateescape");
    if (str == nullptr) {
        throw pybind11::error_already_set();
    }
    return pybind11::reinterpret_steal<pybind11::str>(str);
}

// Decodes a name. Decodes a copy, because CPython reads its input more than once and the bytes may change.
inline pybind11::str to_str(std::string_view text) {
    char copy[256];
    if (text.size() > sizeof copy) {
        const std::string longer(text);
        return decoded(longer.data(), longer.size());
    }
    std::memcpy(copy, text.data(), text.size());
    return decoded(copy, text.size());
}

// Decodes a message that may quote names. Bytes that are not UTF-8 are shown as backslash escapes.
inline pybind11::str to_printable(std::string_view message) {
    PyObject* str = PyUnicode_DecodeUTF8(message.data(), static_cast<pybind11::ssize_t>(message.size()),
                                         "backslashreplace");
    if (str == nullptr) {
        throw pybind11::error_already_set();
    }
    return pybind11::reinterpret_steal<pybind11::str>(str);
}

// Encodes a str as the bytes of a name.
inline std::string to_bytes(const pybind11::str& text) {
    PyObject* encoded = PyUnicode_AsEncodedString(text.ptr(), "utf-8", "surrogateescape");
    if (encoded == nullptr) {
        throw pybind11::error_already_set();
    }
    return pybind11::reinterpret_steal<pybind11::bytes>(encoded);
}

// The bytes of a str. Valid UTF-8 is borrowed from the str, not copied.
class Text {
public:
    // `what` names the argument in the TypeError for another type.
    explicit Text(pybind11::handle str, const char* what = "a name") {
        if (!PyUnicode_Check(str.ptr())) {
            throw pybind11::type_error(what + std::string(" is a str, not ") + Py_TYPE(str.ptr())->tp_name);
        }
        pybind11::ssize_t size = 0;
        if (const char* data = PyUnicode_AsUTF8AndSize(str.ptr(), &size)) {
            view_ = {data, static_cast<std::size_t>(size)};
        } else {
            PyErr_Clear();
            bytes_ = to_bytes(pybind11::reinterpret_borrow<pybind11::str>(str));
            view_ = bytes_;
        }
    }
    Text(const Text&) = delete;
    Text& operator=(const Text&) = delete;

    std::string_view view() const { return view_; }

private:
    std::string bytes_;
    std::string_view view_;
};

}  // namespace btfmmap::bindings
