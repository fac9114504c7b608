#include <pybind11/pybind11.h>

#include <memory>
#include <string>

#include "bindings/integers.hpp"
#include "bindings/layout.hpp"
#include "bindings/register.hpp"
#include "core/dump_c.hpp"
#include "core/dump_json.hpp"
#include "core/dump_raw.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

// Hands the text to a Python callable, a piece at a time; it may throw.
Output output_to(const py::function& write) {
    return Output([&write](std::string_view piece) {
        const py::gil_scoped_acquire locked;
        write(py::bytes(piece.data(), piece.size()));
    });
}

void raw(const Btf& btf, const py::object& roots, const py::function& write) {
    const auto ids = to_integers(roots);
    Output output = output_to(write);
    const py::gil_scoped_release unlocked;
    dump_raw(btf, ids, output);
}

void json(const Btf& btf, const py::object& roots, bool pretty, const py::function& write) {
    const auto ids = to_integers(roots);
    Output output = output_to(write);
    const py::gil_scoped_release unlocked;
    dump_json(btf, ids, pretty, output);
}

void c(const Layout& layout, const py::object& roots, bool sorted, const py::function& write) {
    const auto ids = to_integers(roots);
    Output output = output_to(write);
    const py::gil_scoped_release unlocked;
    dump_c(layout.btf(), layout.sizes(), ids, sorted, output);
}

}  // namespace

void register_dump(py::module_& module) {
    module.def("dump_raw", raw, py::arg("btf"), py::arg("roots"), py::arg("write"),
               "Write types as bpftool's text, in pieces of bytes.");
    module.def("dump_json", json, py::arg("btf"), py::arg("roots"), py::arg("pretty"), py::arg("write"),
               "Write types as bpftool's JSON, in pieces of bytes.");
    module.def("dump_c", c, py::arg("layout"), py::arg("roots"), py::arg("sort"), py::arg("write"),
               "Write types as a C header, in pieces of bytes.");
}

}  // namespace btfmmap::bindings
