#include "bindings/integers.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
constexpr auto kMin = std::numeric_limits<std::int64_t>::min();

template <class Item>
void append_items(const py::buffer_info& buffer, std::vector<std::int64_t>& integers) {
    const auto* at = static_cast<const std::byte*>(buffer.ptr);
    for (py::ssize_t i = 0; i != buffer.shape[0]; ++i) {
        Item item;
        std::memcpy(&item, at + i * buffer.strides[0], sizeof item);
        if constexpr (std::is_same_v<Item, std::uint64_t>) {
            integers.push_back(static_cast<std::int64_t>(std::min<std::uint64_t>(item, kMax)));
        } else {
            integers.push_back(item);
        }
    }
}

template <class Signed, class Unsigned>
void append_of_size(bool is_signed, const py::buffer_info& buffer, std::vector<std::int64_t>& integers) {
    is_signed ? append_items<Signed>(buffer, integers) : append_items<Unsigned>(buffer, integers);
}

// Appends the items of a buffer. Returns false unless they are integers in native byte order.
bool append_buffer(const py::buffer_info& buffer, std::vector<std::int64_t>& integers) {
    if (buffer.ndim != 1 || buffer.format.size() != 1) {
        return false;
    }
    const bool is_signed = std::string("bhilqn").find(buffer.format[0]) != std::string::npos;
    const bool is_unsigned = std::string("BHILQN").find(buffer.format[0]) != std::string::npos;
    if (!is_signed && !is_unsigned) {
        return false;
    }
    integers.reserve(static_cast<std::size_t>(buffer.shape[0]));
    switch (buffer.itemsize) {
        case 1:
            append_of_size<std::int8_t, std::uint8_t>(is_signed, buffer, integers);
            return true;
        case 2:
            append_of_size<std::int16_t, std::uint16_t>(is_signed, buffer, integers);
            return true;
        case 4:
            append_of_size<std::int32_t, std::uint32_t>(is_signed, buffer, integers);
            return true;
        default:
            append_of_size<std::int64_t, std::uint64_t>(is_signed, buffer, integers);
            return true;
    }
}

}  // namespace

std::int64_t to_integer(py::handle item) {
    const auto number = py::reinterpret_steal<py::object>(PyNumber_Index(item.ptr()));
    if (!number) {
        throw py::error_already_set();
    }
    int overflow = 0;
    const auto value = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
    return overflow == 0 ? value : overflow > 0 ? kMax : kMin;
}

std::vector<std::int64_t> to_integers(py::handle source) {
    std::vector<std::int64_t> integers;
    if (PyObject_CheckBuffer(source.ptr()) &&
        append_buffer(py::reinterpret_borrow<py::buffer>(source).request(), integers)) {
        return integers;
    }
    for (const py::handle item : py::iter(source)) {
        integers.push_back(to_integer(item));
    }
    return integers;
}

}  // namespace btfmmap::bindings
