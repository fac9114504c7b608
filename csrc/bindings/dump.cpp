#include <pybind11/pybind11.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>

#include "bindings/integers.hpp"
#include "bindings/layout.hpp"
#include "bindings/register.hpp"
#include "core/c_declarations.hpp"
#include "core/dump_c.hpp"
#include "core/dump_json.hpp"
#include "core/dump_raw.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

void write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        const int code = errno;
        const py::gil_scoped_acquire locked;
        if (written < 0 && code != EINTR) {
            errno = code;
            PyErr_SetFromErrno(PyExc_OSError);
            throw py::error_already_set();
        }
        if (PyErr_CheckSignals() != 0) {
            throw py::error_already_set();
        }
        text.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(0, written)));
    }
}

// Hands on the text a piece at a time, to a file descriptor or to a Python callable; both may throw.
Output output_to(const py::object& to) {
    if (py::isinstance<py::int_>(to)) {
        return Output([fd = py::cast<int>(to)](std::string_view piece) { write_all(fd, piece); });
    }
    return Output([&to](std::string_view piece) {
        const py::gil_scoped_acquire locked;
        to(py::bytes(piece.data(), piece.size()));
    });
}

void raw(const Btf& btf, const py::object& roots, const py::object& to) {
    const auto ids = to_integers(roots);
    Output output = output_to(to);
    const py::gil_scoped_release unlocked;
    dump_raw(btf, ids, output);
}

void json(const Btf& btf, const py::object& roots, bool pretty, const py::object& to) {
    const auto ids = to_integers(roots);
    Output output = output_to(to);
    const py::gil_scoped_release unlocked;
    dump_json(btf, ids, pretty, output);
}

void c(const Layout& layout, const py::object& roots, bool sorted, const py::object& to) {
    const auto ids = to_integers(roots);
    Output output = output_to(to);
    const py::gil_scoped_release unlocked;
    dump_c(layout.btf(), layout.sizes(), ids, sorted, output);
}

// What `write` writes of one type, which it gets with the id.
template <class Write>
py::bytes of_one_type(const Layout& layout, std::int64_t type_id, CDeclarations::Style style, Write write) {
    layout.btf().type_name(type_id);  // refuses what is not there
    std::string text;
    Output output([&text](std::string_view piece) { text += piece; });
    CLimits limits(layout.btf());
    CNames names(layout.btf(), limits, CNames::Conflicts::ignored);
    CDeclarations declarations(layout.btf(), layout.sizes(), names, limits, output, style);
    write(declarations, static_cast<std::uint32_t>(type_id));
    output.flush();
    return text;
}

py::bytes declaration(const Layout& layout, std::int64_t type_id) {
    return of_one_type(layout, type_id, CDeclarations::Style::whole,
                       [](CDeclarations& declarations, std::uint32_t id) { declarations.define(id); });
}

py::bytes type_name(const Layout& layout, std::int64_t type_id) {
    return of_one_type(layout, type_id, CDeclarations::Style::cast,
                       [](CDeclarations& declarations, std::uint32_t id) { declarations.declare(id, ""); });
}

}  // namespace

void register_dump(py::module_& module) {
    module.def("dump_raw", raw, py::arg("btf"), py::arg("roots"), py::arg("to"),
               "Write types as bpftool's text, to a file descriptor or in pieces of bytes to a callable.");
    module.def("dump_json", json, py::arg("btf"), py::arg("roots"), py::arg("pretty"), py::arg("to"),
               "Write types as bpftool's JSON, to a file descriptor or in pieces of bytes to a callable.");
    module.def("dump_c", c, py::arg("layout"), py::arg("roots"), py::arg("sort"), py::arg("to"),
               "Write types as a C header, to a file descriptor or in pieces of bytes to a callable.");
    module.def("c_declaration", declaration, py::arg("layout"), py::arg("type_id"),
               "One type as C, without its semicolon.");
    module.def("c_type_name", type_name, py::arg("layout"), py::arg("type_id"),
               "What a cast to a type says: without qualifiers, and of types without a name the keyword.");
}

}  // namespace btfmmap::bindings
