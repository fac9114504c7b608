#include "core/fingerprint/fingerprints.hpp"

#include <pybind11/pybind11.h>

#include <memory>

#include "bindings/register.hpp"
#include "bindings/view.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

using FingerprintsPtr = std::shared_ptr<Fingerprints>;

FingerprintsPtr build(const std::shared_ptr<BtfSizes>& sizes, const FingerprintsPtr& base) {
    const py::gil_scoped_release unlocked;
    return std::make_shared<Fingerprints>(sizes, base);
}

}  // namespace

void register_fingerprints(py::module_& module) {
    py::class_<Fingerprints, FingerprintsPtr>(module, "Fingerprints", "Hashes of what types are.")
        .def(py::init(&build), py::arg("sizes"), py::arg("base"))
        .def_static("version", [] { return Fingerprints::kVersion; })
        .def("column_views", [](const FingerprintsPtr& fingerprints) {
            return view_columns(fingerprints, fingerprints->table().columns());
        });
}

}  // namespace btfmmap::bindings
