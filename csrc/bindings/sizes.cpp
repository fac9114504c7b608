#include "core/analysis/sizes.hpp"

#include <pybind11/pybind11.h>

#include <memory>
#include <string>

#include "bindings/fields.hpp"
#include "bindings/integers.hpp"
#include "bindings/register.hpp"
#include "bindings/text.hpp"
#include "bindings/view.hpp"
#include "core/analysis/btf_sizes.hpp"
#include "core/analysis/layout.hpp"
#include "core/pahole/layout_text.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

using SizesPtr = std::shared_ptr<BtfSizes>;

SizesPtr build(const std::shared_ptr<Btf>& btf, const SizesPtr& base) {
    const py::gil_scoped_release unlocked;
    return std::make_shared<BtfSizes>(btf, base);
}

// Returns `get(sizes, id)` for each ID; -1 for an ID that does not exist.
template <class Get>
View each(const BtfSizes& sizes, const py::object& ids, Get get) {
    const auto wanted = to_integers(ids);
    const py::gil_scoped_release unlocked;
    std::vector<std::int64_t> results(wanted.size());
    for (std::size_t i = 0; i != wanted.size(); ++i) {
        const bool known = wanted[i] >= 0 && wanted[i] < sizes.btf().index().end_id();
        results[i] = known ? get(sizes.sizes(), static_cast<std::uint32_t>(wanted[i])) : -1;
    }
    return view_of(std::move(results), "q");
}

View sizeof_(const BtfSizes& sizes, const py::object& ids) {
    return each(sizes, ids, [](const Sizes& all, std::uint32_t id) { return all.size(id); });
}

View alignof_(const BtfSizes& sizes, const py::object& ids) {
    return each(sizes, ids, [](const Sizes& all, std::uint32_t id) { return all.alignment(id); });
}

View resolve(const BtfSizes& sizes, const py::object& ids) {
    return each(sizes, ids, [](const Sizes& all, std::uint32_t id) -> std::int64_t {
        const std::uint32_t resolved = all.resolved(id);
        return resolved == Sizes::kNoType ? -1 : std::int64_t{resolved};
    });
}

py::dict column_views(const SizesPtr& sizes) {
    const Table& columns = [&]() -> const Table& {
        const py::gil_scoped_release unlocked;
        return sizes->layouts();
    }();
    return view_columns(sizes, columns.columns());
}

View wasteful_rows_(const BtfSizes& sizes, std::size_t top) {
    const py::gil_scoped_release unlocked;
    return view_of(wasteful_rows(sizes.layouts(), top), "I");
}

py::str text(const BtfSizes& sizes, std::uint32_t type_id, bool expand) {
    const std::string text = [&] {
        const py::gil_scoped_release unlocked;
        return layout_text(sizes, type_id, expand);
    }();
    return decoded(text.data(), text.size());
}

}  // namespace

void register_sizes(py::module_& module) {
    py::class_<BtfSizes, SizesPtr> sizes(module, "Sizes",
                                         "Sizes and alignments of all types, and struct layouts.");
    sizes.def(py::init(&build), py::arg("btf"), py::arg("base"))
        .def("sizeof", sizeof_, py::arg("ids"))
        .def("alignof", alignof_, py::arg("ids"))
        .def("resolve", resolve, py::arg("ids"))
        .def("layout_text", text, py::arg("type_id"), py::arg("expand"))
        .def("column_views", column_views)
        .def("wasteful_rows", wasteful_rows_, py::arg("top"));
    add_fields(sizes);
}

}  // namespace btfmmap::bindings
