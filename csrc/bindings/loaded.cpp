#include "core/input/loaded.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>

#include "bindings/register.hpp"
#include "bindings/text.hpp"
#include "core/input/file.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

py::tuple to_tuple(const LoadedBtf& btf) {
    return py::make_tuple(btf.id, to_str(btf.name), btf.size, btf.kernel);
}

py::list list_all() {
    std::vector<LoadedBtf> all;
    {
        const py::gil_scoped_release unlocked;
        all = loaded_btfs();
    }
    py::list tuples;
    for (const LoadedBtf& btf : all) {
        tuples.append(to_tuple(btf));
    }
    return tuples;
}

File read(std::uint32_t id, const std::string& name) {
    const py::gil_scoped_release unlocked;
    return File::of(read_loaded_btf(id), name);
}

}  // namespace

void register_loaded(py::module_& module) {
    module.def("loaded", list_all,
               "List all BTF objects in the kernel as (id, name, size, whether of the kernel or a module).");
    module.def(
        "loaded_info", [](std::uint32_t id) { return to_tuple(loaded_btf(id)); }, py::arg("btf_id"),
        "Return the same tuple for one BTF object.");
    module.def("read_loaded", read, py::arg("btf_id"), py::arg("name"), "Read the bytes of one BTF object.");
}

}  // namespace btfmmap::bindings
