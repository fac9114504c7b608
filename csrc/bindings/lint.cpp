#include "core/lint/lint.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <vector>

#include "bindings/register.hpp"
#include "bindings/text.hpp"
#include "core/analysis/btf_sizes.hpp"
#include "core/input/file.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

// Returns the bytes of a file. Copies a borrowed buffer, so that all findings describe the same state.
Mapping stable_bytes(const File& file) {
    Mapping mapping = file.whole();
    if (mapping.how() != How::buffer) {
        return mapping;
    }
    const Bytes bytes = mapping.bytes();
    const auto copy = std::make_shared<const std::vector<std::byte>>(bytes.data, bytes.data + bytes.size);
    return Mapping::borrow({copy->data(), copy->size()}, copy, How::read);
}

// Returns the first `limit` errors and the first `limit` notes as (is an error, rule, message, offset, type
// ID), the number of errors and the number of notes.
py::tuple lint_file(const File& file, const BtfSizes* base, std::uint32_t pointer_size, std::size_t limit) {
    std::vector<Diagnostic> kept;
    std::size_t counts[2] = {};
    {
        const py::gil_scoped_release unlocked;
        const Mapping mapping = stable_bytes(file);
        const auto keep = [&](Diagnostic&& diagnostic) {
            if (counts[static_cast<std::size_t>(diagnostic.severity)]++ < limit) {
                kept.push_back(std::move(diagnostic));
            }
        };
        std::optional<LintBase> lint_base;
        if (base != nullptr) {
            lint_base.emplace(LintBase{base->btf(), base->sizes()});
        }
        lint(mapping.bytes(), lint_base ? &*lint_base : nullptr, pointer_size, keep);
    }
    py::list rows;
    for (const Diagnostic& each : kept) {
        rows.append(py::make_tuple(each.severity == Severity::error, each.rule, to_printable(each.message),
                                   each.offset, each.type_id));
    }
    return py::make_tuple(rows, counts[0], counts[1]);
}

}  // namespace

void register_lint(py::module_& module) {
    module.def("lint", lint_file, py::arg("file"), py::arg("base"), py::arg("pointer_size"), py::arg("limit"),
               "Find errors and unusual records in a BTF.");
}

}  // namespace btfmmap::bindings
