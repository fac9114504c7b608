#include <pybind11/pybind11.h>

#include "bindings/register.hpp"

PYBIND11_MODULE(_core, module, pybind11::mod_gil_not_used()) {
    module.doc() = "The native core of btfmmap. Private: use the package's public names.";
    btfmmap::bindings::register_errors(module);
    btfmmap::bindings::register_view(module);
    btfmmap::bindings::register_file(module);
    btfmmap::bindings::register_elf(module);
    btfmmap::bindings::register_query(module);
    btfmmap::bindings::register_btf(module);
    btfmmap::bindings::register_matching(module);
    btfmmap::bindings::register_graph(module);
    btfmmap::bindings::register_sizes(module);
    btfmmap::bindings::register_fingerprints(module);
    btfmmap::bindings::register_diff(module);
    btfmmap::bindings::register_diff_changes(module);
    btfmmap::bindings::register_named_tuples(module);
    btfmmap::bindings::register_ext(module);
    btfmmap::bindings::register_core_relo(module);
    btfmmap::bindings::register_program(module);
    btfmmap::bindings::register_dump(module);
    btfmmap::bindings::register_typed_data(module);
    btfmmap::bindings::register_lint(module);
    btfmmap::bindings::register_loaded(module);
    btfmmap::bindings::register_decode(module);
    btfmmap::bindings::register_record_reader(module);
    btfmmap::bindings::register_arrow(module);
    btfmmap::bindings::register_writing(module);
    btfmmap::bindings::register_paths(module);
    btfmmap::bindings::register_corpus(module);
}
