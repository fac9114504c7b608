#include "bindings/diff_report.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bindings/diff_texts.hpp"
#include "bindings/text.hpp"
#include "core/diff/changes.hpp"
#include "core/diff_report/report.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

using diff::Changes;
using diff::Class;
using diff::Report;
using std::size_t;
using std::uint32_t;

// A report with what it is about.
struct PyReport {
    std::shared_ptr<Changes> changes;
    Report report;
};

PyReport report_of(std::shared_ptr<Changes> changes, int depth, const py::bytes& selected) {
    const std::string_view marks = selected;
    const DiffLock locked(changes->history());
    Report report(changes, diff_depth(depth), {marks.begin(), marks.end()});
    return {std::move(changes), std::move(report)};
}

Class class_of(uint32_t number) {
    if (number >= diff::kClasses) {
        throw py::value_error("there is no kind " + std::to_string(number));
    }
    return static_cast<Class>(number);
}

py::list names_of(const std::vector<std::string_view>& names) {
    py::list made(names.size());
    for (size_t i = 0; i != names.size(); ++i) {
        set_item(made, i, to_str(names[i]));
    }
    return made;
}

}  // namespace

void register_diff_report(py::module_& module) {
    py::class_<PyReport>(module, "DiffReport", "The text about the changes between two kernels.")
        .def(py::init(&report_of), py::arg("changes"), py::arg("depth"), py::arg("selected"))
        .def(
            "added",
            [](const PyReport& of, uint32_t kind, size_t limit) {
                const DiffLock locked(of.changes->history());
                return names_of(of.report.added(class_of(kind), limit));
            },
            py::arg("kind"), py::arg("limit"))
        .def(
            "removed",
            [](const PyReport& of, uint32_t kind, size_t limit) {
                const DiffLock locked(of.changes->history());
                return names_of(of.report.removed(class_of(kind), limit));
            },
            py::arg("kind"), py::arg("limit"))
        .def(
            "count", [](const PyReport& of, uint32_t kind) { return of.report.count(class_of(kind)); },
            py::arg("kind"))
        .def(
            "write",
            [](const PyReport& of, uint32_t kind, size_t width, const py::function& write) {
                DiffLock locked(of.changes->history());
                diff::Lines lines(width, [&](std::string_view text) {
                    const py::str piece = to_str(text);
                    locked.without([&] { write(piece); });
                });
                of.report.write(class_of(kind), lines);
            },
            py::arg("kind"), py::arg("width"), py::arg("write"))
        .def(
            "headline",
            [](const PyReport& of, uint32_t entity) {
                const DiffLock locked(of.changes->history());
                if (entity >= of.changes->history().entities().size()) {
                    throw py::index_error("there is no entity " + std::to_string(entity));
                }
                return to_str(of.report.headline_of(entity));
            },
            py::arg("entity"));
}

}  // namespace btfmmap::bindings
