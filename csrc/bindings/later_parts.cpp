#include <pybind11/pybind11.h>

#include <array>
#include <cstddef>
#include <mutex>
#include <string>

#include "bindings/register.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

// The parts that are not registered until one of their names is asked for, since this takes longer than most
// commands have for it. They are registered in this order, so those that commands use most come first.
constexpr std::array kLaterParts{
    register_matching,     register_sizes,         register_graph,        register_named_tuples,
    register_dump,         register_lint,          register_elf,          register_paths,
    register_typed_data,   register_decode,        register_loaded,       register_ext,
    register_fingerprints, register_diff,          register_diff_changes, register_core_relo,
    register_program,      register_record_reader, register_arrow,        register_writing,
    register_corpus,
};

// Registers later parts until one defines a name; all of them without a name. Each is registered in a module
// of its own, whose names are then added: pybind11 looks in the scope for functions of the same name, which
// would ask for later parts again. The lock is recursive since a collection of garbage may run any Python
// code meanwhile.
void register_later(const py::module_& module, py::handle name) {
    static std::recursive_mutex mutex;
    static std::size_t registered = 0;
    std::unique_lock<std::recursive_mutex> lock(mutex, std::try_to_lock);
    if (!lock.owns_lock()) {
        const py::gil_scoped_release unlocked;
        lock.lock();
    }
    const py::dict names = module.attr("__dict__");
    while (registered != kLaterParts.size() && (!name || !names.contains(name))) {
        auto part = py::reinterpret_steal<py::module_>(PyModule_New("btfmmap._core"));
        if (!part) {
            throw py::error_already_set();
        }
        part.inc_ref();  // pybind11's functions refer to it, and do not own it
        kLaterParts[registered++](part);
        for (const auto& [key, value] : py::dict(part.attr("__dict__"))) {
            if (!names.contains(key)) {
                names[key] = value;
            }
        }
    }
}

// The import system asks every module for names such as __path__.
bool is_special(const std::string& name) { return name.rfind("__", 0) == 0; }

py::object later_name(const py::module_& module, const py::str& name) {
    const py::dict names = module.attr("__dict__");
    const std::string text = name;
    if (!is_special(text)) {
        register_later(module, name);
        if (names.contains(name)) {
            return names[name];
        }
    }
    throw py::attribute_error("module 'btfmmap._core' has no attribute '" + text + "'");
}

py::list all_names(const py::module_& module) {
    register_later(module, {});
    return py::list(module.attr("__dict__"));
}

}  // namespace

void register_later_parts(py::module_& module) {
    module.def("__getattr__", [module](const py::str& name) { return later_name(module, name); });
    module.def("__dir__", [module] { return all_names(module); });
}

}  // namespace btfmmap::bindings
