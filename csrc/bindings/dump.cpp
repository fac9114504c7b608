#include <pybind11/pybind11.h>

#include <string>
#include <string_view>
#include <utility>

#include "bindings/integers.hpp"
#include "bindings/register.hpp"
#include "bindings/write_to.hpp"
#include "core/analysis/btf_sizes.hpp"
#include "core/dump/c.hpp"
#include "core/dump/c_declarations.hpp"
#include "core/dump/json.hpp"
#include "core/dump/raw.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

void raw(const Btf& btf, const py::object& roots, const py::object& to) {
    const auto ids = to_integers(roots);
    write_to(to, Writing::writer_thread, [&](Output& output) { dump_raw(btf, ids, output); });
}

void json(const Btf& btf, const py::object& roots, bool pretty, const py::object& to) {
    const auto ids = to_integers(roots);
    write_to(to, Writing::writer_thread, [&](Output& output) { dump_json(btf, ids, pretty, output); });
}

CDialect to_dialect(std::string_view name) {
    constexpr std::pair<std::string_view, CDialect> dialects[] = {
        {"bpftool", CDialect::bpftool},
        {"laid_out", CDialect::laid_out},
        {"c11", CDialect::c11},
        {"c23", CDialect::c23},
    };
    for (const auto& [known, dialect] : dialects) {
        if (name == known) {
            return dialect;
        }
    }
    throw py::value_error("unknown dialect");
}

// Writes from the same thread. C takes three times as long as JSON for a fifth of the text, so a writer
// thread would not save time.
void c(const BtfSizes& sizes, const py::object& roots, std::string_view dialect, bool sort, bool comment,
       const py::object& to) {
    const auto ids = to_integers(roots);
    const CHeader header{to_dialect(dialect), sort, comment};
    write_to(to, Writing::same_thread,
             [&](Output& output) { dump_c(sizes.btf(), sizes.sizes(), ids, header, output); });
}

py::bytes declaration(const BtfSizes& sizes, std::int64_t type_id) {
    const std::uint32_t id = sizes.btf().check_id(type_id);
    std::string text;
    Output output(
        [&text](const Output::Buffer& buffer, std::size_t size) { text.append(buffer.get(), size); });
    CLimits limits(sizes.btf());
    CNames names(sizes.btf(), limits, CNames::Conflicts::ignored, CDialect::laid_out);
    CDeclarations declarations(sizes.btf(), sizes.sizes(), names, limits, output, CDialect::laid_out);
    declarations.define(id);
    output.flush();
    return text;
}

}  // namespace

void register_dump(py::module_& module) {
    module.def("dump_raw", raw, py::arg("btf"), py::arg("roots"), py::arg("to"),
               "Write types as bpftool's text, to a file descriptor or in pieces of bytes to a callable.");
    module.def("dump_json", json, py::arg("btf"), py::arg("roots"), py::arg("pretty"), py::arg("to"),
               "Write types as bpftool's JSON, to a file descriptor or in pieces of bytes to a callable.");
    module.def("dump_c", c, py::arg("sizes"), py::arg("roots"), py::arg("dialect"), py::arg("sort"),
               py::arg("comment"), py::arg("to"),
               "Write types as a C header, to a file descriptor or in pieces of bytes to a callable.");
    module.def("c_declaration", declaration, py::arg("sizes"), py::arg("type_id"),
               "Return one type as C, without the semicolon.");
}

}  // namespace btfmmap::bindings
