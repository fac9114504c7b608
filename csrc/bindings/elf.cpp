#include "core/input/elf.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>

#include "bindings/register.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

const char* to_text(Compression compression) {
    switch (compression) {
        case Compression::zlib:
            return "zlib";
        case Compression::zstd:
            return "zstd";
        case Compression::none:
            break;
    }
    return "none";
}

}  // namespace

void register_elf(py::module_& module) {
    py::class_<ElfSection>(module, "ElfSection", "The position of a section's bytes in its file.")
        .def_readonly("offset", &ElfSection::offset)
        .def_readonly("size", &ElfSection::size)
        .def_property_readonly("compression",
                               [](const ElfSection& section) { return to_text(section.compression); })
        .def_readonly("unpacked_size", &ElfSection::unpacked_size);

    py::class_<Elf>(module, "Elf", "The section headers of an ELF file.")
        .def(py::init<const File&>(), py::arg("file"), py::keep_alive<1, 2>(),
             py::call_guard<py::gil_scoped_release>())
        .def_property_readonly("pointer_size", &Elf::pointer_size)
        .def_property_readonly("machine", &Elf::machine)
        .def(
            "find", [](const Elf& elf, const std::string& name) { return elf.find(name); }, py::arg("name"),
            py::call_guard<py::gil_scoped_release>());
}

}  // namespace btfmmap::bindings
