#include "core/btf/ext.hpp"

#include <pybind11/pybind11.h>

#include <memory>
#include <string>

#include "bindings/register.hpp"
#include "bindings/view.hpp"
#include "core/input/file.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

using ExtPtr = std::shared_ptr<Ext>;

ExtPtr open(const File& section, const Btf& btf) {
    const py::gil_scoped_release unlocked;
    return std::make_shared<Ext>(section.whole(), btf, section.name());
}

template <const Table& (Ext::*table)() const>
py::dict columns(const ExtPtr& ext) {
    return view_columns(ext, (*ext.*table)().columns());
}

}  // namespace

void register_ext(py::module_& module) {
    py::class_<Ext, ExtPtr>(module, "Ext", "The .BTF.ext section of a BPF object, as columns.")
        .def(py::init(&open), py::arg("section"), py::arg("btf"))
        .def("func_info", columns<&Ext::func_info>)
        .def("line_info", columns<&Ext::line_info>)
        .def("core_relo", columns<&Ext::core_relo>);
}

}  // namespace btfmmap::bindings
