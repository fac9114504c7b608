#include "bindings/layout.hpp"

#include <pybind11/pybind11.h>

#include <memory>

#include "bindings/integers.hpp"
#include "bindings/register.hpp"
#include "bindings/view.hpp"
#include "core/analysis/sizes.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

using LayoutPtr = std::shared_ptr<Layout>;

LayoutPtr build(const std::shared_ptr<Btf>& btf, const LayoutPtr& base) {
    const py::gil_scoped_release unlocked;
    return std::make_shared<Layout>(btf, base);
}

// What `ask` says of each id; -1 for an id that is not there.
template <class Ask>
View each(const Layout& layout, const py::object& ids, Ask ask) {
    const auto wanted = to_integers(ids);
    const py::gil_scoped_release unlocked;
    std::vector<std::int64_t> answers(wanted.size());
    for (std::size_t i = 0; i != wanted.size(); ++i) {
        const bool known = wanted[i] >= 0 && wanted[i] < layout.btf().index().end_id();
        answers[i] = known ? ask(layout.sizes(), static_cast<std::uint32_t>(wanted[i])) : -1;
    }
    return view_of(std::move(answers), "q");
}

View sizeof_(const Layout& layout, const py::object& ids) {
    return each(layout, ids, [](const Sizes& sizes, std::uint32_t id) { return sizes.size(id); });
}

View alignof_(const Layout& layout, const py::object& ids) {
    return each(layout, ids, [](const Sizes& sizes, std::uint32_t id) { return sizes.alignment(id); });
}

View resolve(const Layout& layout, const py::object& ids) {
    return each(layout, ids, [](const Sizes& sizes, std::uint32_t id) -> std::int64_t {
        const std::uint32_t resolved = sizes.resolved(id);
        return resolved == Sizes::kNoType ? -1 : std::int64_t{resolved};
    });
}

py::dict column_views(const LayoutPtr& layout) {
    const Table columns = [&] {
        const py::gil_scoped_release unlocked;
        return layouts(layout->btf(), layout->sizes(), layout->arena());
    }();
    return view_columns(layout, columns);
}

py::list members(const Layout& layout, std::uint32_t type_id) {
    py::list rows;
    for (const Place& place : places(layout.btf(), layout.sizes(), type_id)) {
        const std::int64_t follows = place.follows == Place::kStart ? -1 : std::int64_t{place.follows};
        rows.append(py::make_tuple(place.offset, place.size, place.hole, place.bit_hole, follows));
    }
    return rows;
}

std::uint32_t natural_alignment(const Layout& layout, std::uint32_t type_id) {
    return layout.sizes().natural_alignment(type_id);
}

}  // namespace

void register_layout(py::module_& module) {
    py::class_<Layout, LayoutPtr>(module, "Layout", "Sizes and alignments of all types, and struct layouts.")
        .def(py::init(&build), py::arg("btf"), py::arg("base"))
        .def("sizeof", sizeof_, py::arg("ids"))
        .def("alignof", alignof_, py::arg("ids"))
        .def("resolve", resolve, py::arg("ids"))
        .def("members", members, py::arg("type_id"))
        .def("natural_alignment", natural_alignment, py::arg("type_id"))
        .def("column_views", column_views);
}

}  // namespace btfmmap::bindings
