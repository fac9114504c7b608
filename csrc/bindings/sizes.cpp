#include "core/analysis/sizes.hpp"

#include <pybind11/pybind11.h>

#include <memory>

#include "bindings/fields.hpp"
#include "bindings/integers.hpp"
#include "bindings/register.hpp"
#include "bindings/view.hpp"
#include "core/analysis/btf_sizes.hpp"
#include "core/analysis/layout.hpp"

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
    const Table columns = [&] {
        const py::gil_scoped_release unlocked;
        return layouts(sizes->btf(), sizes->sizes(), sizes->arena());
    }();
    return view_columns(sizes, columns);
}

py::list members(const BtfSizes& sizes, std::uint32_t type_id) {
    py::list rows;
    for (const MemberPlacement& placement : member_placements(sizes.btf(), sizes.sizes(), type_id)) {
        const std::int64_t follows =
            placement.follows == MemberPlacement::kStart ? -1 : std::int64_t{placement.follows};
        rows.append(
            py::make_tuple(placement.offset, placement.size, placement.hole, placement.bit_hole, follows));
    }
    return rows;
}

std::uint32_t natural_alignment(const BtfSizes& sizes, std::uint32_t type_id) {
    return sizes.sizes().natural_alignment(type_id);
}

}  // namespace

void register_sizes(py::module_& module) {
    py::class_<BtfSizes, SizesPtr> sizes(module, "Sizes",
                                         "Sizes and alignments of all types, and struct layouts.");
    sizes.def(py::init(&build), py::arg("btf"), py::arg("base"))
        .def("sizeof", sizeof_, py::arg("ids"))
        .def("alignof", alignof_, py::arg("ids"))
        .def("resolve", resolve, py::arg("ids"))
        .def("members", members, py::arg("type_id"))
        .def("natural_alignment", natural_alignment, py::arg("type_id"))
        .def("column_views", column_views);
    add_fields(sizes);
}

}  // namespace btfmmap::bindings
