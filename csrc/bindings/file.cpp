#include "core/input/file.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <string>

#include "bindings/held_buffer.hpp"
#include "bindings/register.hpp"
#include "bindings/signals.hpp"
#include "bindings/text.hpp"
#include "bindings/view.hpp"
#include "core/base/error.hpp"
#include "core/format/header.hpp"
#include "core/format/units.hpp"
#include "core/format/wire_format.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

Method to_method(const std::string& name) {
    if (name == "auto") {
        return Method::automatic;
    }
    if (name == "mmap") {
        return Method::mmap;
    }
    if (name == "read") {
        return Method::read;
    }
    throw py::value_error("method is '" + name + "', must be 'auto', 'mmap' or 'read'");
}

File open(const std::string& path, const std::string& method_name) {
    const Method method = to_method(method_name);
    const py::gil_scoped_release unlocked;
    // Ctrl-C interrupts a read from an empty pipe.
    return File::open(path, method, run_signal_handlers);
}

// Borrows the buffer of an object. While it is held, a bytearray cannot be resized.
File of_buffer(const py::object& data, const py::str& name, bool borrowed) {
    const std::shared_ptr<const Py_buffer> held = held_buffer(data);
    const Bytes bytes{static_cast<const std::byte*>(held->buf), static_cast<std::size_t>(held->len)};
    return File::of(Mapping::borrow(bytes, held, borrowed ? How::buffer : How::read), to_bytes(name));
}

View view(const Mapping& mapping) { return view_bytes(mapping.owner(), mapping.bytes()); }

// Returns a part of a file. Messages name it by the file and `part_name`.
File part(const File& file, std::uint64_t offset, std::uint64_t size, const py::str& part_name) {
    if (offset > file.size() || size > file.size() - offset) {
        throw py::index_error("no " + std::to_string(size) + " bytes at " + std::to_string(offset) + " of " +
                              std::to_string(file.size()));
    }
    const std::string name = to_bytes(part_name);
    const py::gil_scoped_release unlocked;
    return File::of(file.part(offset, size), name.empty() ? file.name() : file.name() + ": " + name);
}

// Returns one of the concatenated units of a file, or None if there is no such unit, and the number of units.
py::tuple unit(const File& file, std::size_t number, bool ext) {
    std::optional<File> found;
    Unit position;
    {
        const py::gil_scoped_release unlocked;
        const Mapping all = file.whole();
        position = find_unit(all.bytes(), number, ext ? UnitKind::ext : UnitKind::btf);
        if (number < position.count) {
            const std::string name =
                position.count == 1 ? file.name() : file.name() + ": unit " + std::to_string(number);
            found = File::of(all.part(position.offset, position.size), name);
        }
    }
    return py::make_tuple(found, position.count);
}

// Returns the size in bytes of the BTF at the start of a file; none if its header is invalid.
std::optional<std::uint64_t> btf_size(const File& file) {
    const py::gil_scoped_release unlocked;
    const Mapping all = file.whole();
    try {
        const Header header = parse_header(all.bytes(), false);
        return header.string_start() + header.string_size;
    } catch (const Error&) {
        return std::nullopt;
    }
}

// Whether a BTF is split, so that it needs a base. False for bytes whose header is invalid otherwise.
bool needs_base(const File& file) {
    const py::gil_scoped_release unlocked;
    const Mapping all = file.whole();
    try {
        parse_header(all.bytes(), false);
    } catch (const Error& error) {
        return error.kind == ErrorKind::missing_base;
    }
    return false;
}

}  // namespace

void register_file(py::module_& module) {
    py::class_<File>(module, "File", "An input readable in parts: an open file, or bytes in memory.")
        .def_static("open", open, py::arg("path"), py::arg("method"))
        .def_static("of_buffer", of_buffer, py::arg("data"), py::arg("name"), py::arg("borrowed"))
        .def_property_readonly("name", [](const File& file) { return to_str(file.name()); })
        .def_property_readonly("size", &File::size)
        .def(
            "is_btf",
            [](const File& file) { return magic_byte_order(file.head(sizeof kMagic).bytes()).has_value(); },
            py::call_guard<py::gil_scoped_release>())
        .def("btf_size", btf_size)
        .def("needs_base", needs_base)
        .def(
            "head", [](const File& file, std::size_t size) { return view(file.head(size)); }, py::arg("size"),
            py::call_guard<py::gil_scoped_release>())
        .def("whole",
             [](const File& file) {
                 const py::gil_scoped_release unlocked;
                 return view(file.whole());
             })
        .def("unit", unit, py::arg("number"), py::arg("ext"))
        .def("part", part, py::arg("offset"), py::arg("size"), py::arg("name"));
    module.def(
        "file_system_magic", file_system_magic, py::arg("fd"),
        "Return the magic number of the file system that holds an open file; None if fstatfs(2) fails.");
}

}  // namespace btfmmap::bindings
