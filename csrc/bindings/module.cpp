#include <pybind11/pybind11.h>

#include "bindings/register.hpp"

PYBIND11_MODULE(_core, module, pybind11::mod_gil_not_used()) {
    module.doc() = "The native core of btfmmap. Private: use the package's public names.";
    btfmmap::bindings::register_errors(module);
    btfmmap::bindings::register_view(module);
    btfmmap::bindings::register_file(module);
    btfmmap::bindings::register_query(module);
    btfmmap::bindings::register_btf(module);
    btfmmap::bindings::register_later_parts(module);
}
