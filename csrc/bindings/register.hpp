#pragma once

#include <pybind11/pybind11.h>

// Functions that module.cpp and later_parts.cpp call to create the module, one per file.
namespace btfmmap::bindings {

void register_errors(pybind11::module_& module);
void register_view(pybind11::module_& module);
void register_file(pybind11::module_& module);
void register_elf(pybind11::module_& module);
void register_query(pybind11::module_& module);
void register_btf(pybind11::module_& module);
void register_matching(pybind11::module_& module);
void register_graph(pybind11::module_& module);
void register_sizes(pybind11::module_& module);
void register_fingerprints(pybind11::module_& module);
void register_diff(pybind11::module_& module);
void register_diff_changes(pybind11::module_& module);
void register_named_tuples(pybind11::module_& module);
void register_ext(pybind11::module_& module);
void register_core_relo(pybind11::module_& module);
void register_program(pybind11::module_& module);
void register_dump(pybind11::module_& module);
void register_typed_data(pybind11::module_& module);
void register_lint(pybind11::module_& module);
void register_loaded(pybind11::module_& module);
void register_decode(pybind11::module_& module);
void register_record_reader(pybind11::module_& module);
void register_arrow(pybind11::module_& module);
void register_writing(pybind11::module_& module);
void register_paths(pybind11::module_& module);
void register_corpus(pybind11::module_& module);
void register_later_parts(pybind11::module_& module);

}  // namespace btfmmap::bindings
