#include "bindings/core_relo.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bindings/register.hpp"
#include "bindings/text.hpp"
#include "bindings/view.hpp"
#include "core/base/error.hpp"
#include "core/btf/ext.hpp"
#include "core/core_relo/description.hpp"
#include "core/core_relo/evaluation.hpp"
#include "core/core_relo/records.hpp"
#include "core/input/file.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

using core_relo::Extent;
using core_relo::Object;
using core_relo::Outcome;
using core_relo::Relocation;
using core_relo::Semantics;
using core_relo::Target;
using BtfPtr = std::shared_ptr<Btf>;
using ObjectPtr = std::shared_ptr<Object>;
using TargetPtr = std::shared_ptr<Target>;

// Returns a column with `get(item)` of each item.
template <class T, class Items, class Get>
View column(const Items& items, const char* format, Get get) {
    std::vector<T> values;
    values.reserve(items.size());
    for (const auto& item : items) {
        values.push_back(static_cast<T>(get(item)));
    }
    return view_of(std::move(values), format);
}

ObjectPtr prepare(const BtfPtr& btf, const Ext& ext,
                  const std::vector<std::pair<std::uint32_t, File*>>& code) {
    const py::gil_scoped_release unlocked;
    std::vector<Mapping> mappings;  // keep the bytes alive
    core_relo::Sections sections;
    for (const auto& [name_off, file] : code) {
        mappings.push_back(file->whole());
        sections[name_off] = mappings.back().bytes();
    }
    return std::make_shared<Object>(btf, core_relo::records_of(ext, sections));
}

py::dict object_columns(const Object& object) {
    const auto& relocations = object.relocations();
    std::vector<Extent> extents;
    for (std::uint32_t number = 0; number != relocations.size(); ++number) {
        extents.push_back(object.extent(number));
    }
    py::dict columns;
    columns["bit_offset"] =
        column<std::uint32_t>(extents, "I", [](const Extent& each) { return each.bit_offset; });
    columns["size"] = column<std::uint32_t>(extents, "I", [](const Extent& each) { return each.bytes; });
    columns["bitfield_size"] =
        column<std::uint8_t>(extents, "B", [](const Extent& each) { return each.bitfield_size; });
    columns["value"] =
        column<std::uint64_t>(relocations, "Q", [](const Relocation& each) { return each.local.value; });
    columns["validate"] = column<std::uint8_t>(relocations, "?", [](const Relocation& each) {
        return !each.failure && !each.local.failure && each.local.validate;
    });
    columns["field_type"] =
        column<std::uint32_t>(relocations, "I", [](const Relocation& each) { return each.local.type; });
    columns["field_size"] =
        column<std::uint32_t>(relocations, "I", [](const Relocation& each) { return each.local.size; });
    columns["use"] =
        column<std::uint8_t>(relocations, "B", [](const Relocation& each) { return each.code.use(); });
    columns["access_size"] = column<std::uint8_t>(
        relocations, "B", [](const Relocation& each) { return each.code.access_size(); });
    return columns;
}

py::list paths(const Object& object) {
    constexpr std::uint64_t max_text = std::uint64_t{1} << 30;
    std::uint64_t size = 0;
    py::list texts(object.relocations().size());
    for (std::uint32_t number = 0; number != object.relocations().size(); ++number) {
        const std::string text = object.path_text(number);
        size += text.size();
        if (size > max_text) {
            throw Error::not_supported("the paths of the relocations exceed 1 GiB");
        }
        PyList_SET_ITEM(texts.ptr(), static_cast<py::ssize_t>(number), to_str(text).release().ptr());
    }
    return texts;
}

TargetPtr make_target(const BtfPtr& kernel, const std::vector<BtfPtr>& modules) {
    return std::make_shared<Target>(kernel,
                                    std::vector<std::shared_ptr<const Btf>>(modules.begin(), modules.end()));
}

std::shared_ptr<Outcomes> evaluate(std::vector<ObjectPtr> objects, TargetPtr target, bool independent) {
    const py::gil_scoped_release unlocked;
    auto outcomes = std::make_shared<Outcomes>();
    for (const ObjectPtr& object : objects) {
        const auto semantics = independent ? Semantics::independent : Semantics::libbpf;
        const auto own = core_relo::evaluate(*object, *target, semantics);
        outcomes->starts.push_back(outcomes->all.size());
        outcomes->all.insert(outcomes->all.end(), own.begin(), own.end());
    }
    outcomes->objects = std::move(objects);
    outcomes->target = std::move(target);
    return outcomes;
}

py::dict outcome_columns(const Outcomes& outcomes) {
    const auto& all = outcomes.all;
    using std::uint32_t;
    using std::uint8_t;
    py::dict columns;
    columns["status"] = column<uint8_t>(all, "B", [](const Outcome& each) { return each.status; });
    columns["error"] = column<uint8_t>(all, "B", [](const Outcome& each) { return each.failure.error; });
    columns["value"] = column<std::uint64_t>(all, "Q", [](const Outcome& each) { return each.value; });
    columns["bit_offset"] = column<uint32_t>(all, "I", [](const Outcome& each) { return each.bit_offset; });
    columns["size"] = column<uint32_t>(all, "I", [](const Outcome& each) { return each.size; });
    columns["type"] = column<uint32_t>(all, "I", [](const Outcome& each) { return each.type; });
    columns["poison"] = column<std::uint8_t>(all, "?", [](const Outcome& each) { return each.poison; });
    columns["unsafe_size"] =
        column<std::uint8_t>(all, "?", [](const Outcome& each) { return each.unsafe_size; });
    columns["target"] = column<uint32_t>(all, "I", [](const Outcome& each) { return each.candidate; });
    columns["source"] = column<uint32_t>(all, "I", [](const Outcome& each) { return each.source; });
    columns["candidates"] = column<uint32_t>(all, "I", [](const Outcome& each) { return each.candidates; });
    return columns;
}

py::str reason(const Outcomes& outcomes, std::size_t row) {
    if (row >= outcomes.all.size()) {
        throw py::index_error("no relocation " + std::to_string(row) + ", there are " +
                              std::to_string(outcomes.all.size()));
    }
    const auto after = std::upper_bound(outcomes.starts.begin(), outcomes.starts.end(), row);
    const auto object = static_cast<std::size_t>(after - outcomes.starts.begin()) - 1;
    return to_printable(core_relo::describe(*outcomes.objects[object], *outcomes.target,
                                            static_cast<std::uint32_t>(row - outcomes.starts[object]),
                                            outcomes.all[row]));
}

}  // namespace

void register_core_relo(py::module_& module) {
    py::class_<Object, ObjectPtr>(module, "CoreReloObject", "The CO-RE relocations of a BPF object.")
        .def(py::init(&prepare), py::arg("btf"), py::arg("ext"), py::arg("code"))
        .def("__len__", [](const Object& object) { return object.relocations().size(); })
        .def("columns", object_columns)
        .def("paths", paths);
    py::class_<Target, TargetPtr>(module, "CoreReloTarget",
                                  "A kernel and its modules, against which objects are relocated.")
        .def(py::init(&make_target), py::arg("kernel"), py::arg("modules"));
    py::class_<Outcomes, std::shared_ptr<Outcomes>>(module, "CoreReloOutcomes",
                                                    "The relocations of objects against one target.")
        .def(py::init(&evaluate), py::arg("objects"), py::arg("target"), py::arg("independent"))
        .def("columns", outcome_columns)
        .def("reason", reason, py::arg("row"));
}

}  // namespace btfmmap::bindings
