#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "bindings/diff_texts.hpp"
#include "bindings/register.hpp"
#include "bindings/text.hpp"
#include "bindings/view.hpp"
#include "core/diff/history.hpp"
#include "core/diff/version_numbers.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

using diff::History;
using diff::kNone;
using diff::Version;
using std::int32_t;
using std::int64_t;
using std::uint32_t;
using std::uint64_t;
using std::uint8_t;
using HistoryPtr = std::shared_ptr<History>;

using PySource = std::tuple<std::shared_ptr<BtfSizes>, std::shared_ptr<Fingerprints>, py::str>;

void add(History& history, const std::vector<PySource>& sources) {
    std::vector<diff::Source> kernel;
    for (const auto& [sizes, fingerprints, module] : sources) {
        kernel.push_back({sizes, fingerprints, to_bytes(module)});
    }
    const py::gil_scoped_release unlocked;
    history.add_kernel(kernel);
}

py::dict entities(History& history) {
    const DiffLock locked(history);
    const auto& all = history.entities();
    DiffTexts texts(history);
    py::list names(all.size());
    for (std::size_t i = 0; i != all.size(); ++i) {
        set_item(names, i, texts.name(all[i].name));
    }
    py::dict columns;
    columns["kind"] = column_of<uint8_t>(all, "B", [](const diff::Entity& each) { return each.class_; });
    columns["name"] = names;
    columns["uncertain"] =
        column_of<uint8_t>(all, "B", [](const diff::Entity& each) { return each.uncertain; });
    return columns;
}

// Returns the number of the class of an entity, and its name.
py::tuple name(History& history, uint32_t entity) {
    const DiffLock locked(history);
    if (entity >= history.entities().size()) {
        throw py::index_error("there is no entity " + std::to_string(entity));
    }
    const diff::Entity& found = history.entities()[entity];
    return py::make_tuple(static_cast<uint8_t>(found.class_), to_str(history.names().text(found.name)));
}

// Returns the entities of a name, ascending.
std::vector<uint32_t> find(History& history, const Text& name) {
    const DiffLock locked(history);
    std::vector<uint32_t> found;
    const uint32_t number = history.names().find(name.view());
    for (uint32_t class_ = 0; number != diff::Interner::kAbsent && class_ != diff::kClasses; ++class_) {
        const auto of_class = history.find(static_cast<diff::Class>(class_), number);
        found.insert(found.end(), of_class.begin(), of_class.end());
    }
    std::sort(found.begin(), found.end());
    return found;
}

// Returns the presence of each entity in each kernel, entity by entity.
View presence(const History& history) {
    std::vector<int32_t> values;
    values.reserve(history.entities().size() * history.kernels());
    for (uint32_t entity = 0; entity != history.entities().size(); ++entity) {
        for (uint32_t kernel = 0; kernel != history.kernels(); ++kernel) {
            values.push_back(history.presence(entity, kernel));
        }
    }
    return view_of(std::move(values), "i");
}

std::vector<int32_t> version_numbers(History& history, uint32_t entity, int depth) {
    const DiffLock locked(history);
    if (entity >= history.entities().size()) {
        throw py::index_error("there is no entity " + std::to_string(entity));
    }
    return diff::version_numbers(history, entity, diff_depth(depth));
}

py::dict versions(History& history) {
    const DiffLock locked(history);
    std::vector<const Version*> all;
    std::vector<uint32_t> numbers;
    for (uint32_t entity = 0; entity != history.entities().size(); ++entity) {
        for (std::size_t i = 0; i != history.entities()[entity].versions.size(); ++i) {
            all.push_back(&history.version(entity, static_cast<int32_t>(i)));
            numbers.push_back(static_cast<uint32_t>(i));
        }
    }
    DiffTexts texts(history);
    py::list modules(all.size());
    for (std::size_t i = 0; i != all.size(); ++i) {
        set_item(modules, i, texts.name(all[i]->module));
    }
    py::dict columns;
    columns["entity"] = column_of<uint32_t>(all, "I", [](const Version* each) { return each->entity; });
    columns["version"] = view_of(std::move(numbers), "I");
    columns["kernel"] = column_of<uint32_t>(all, "I", [](const Version* each) { return each->kernel; });
    columns["module_name"] = modules;
    columns["type_id"] = column_of<uint32_t>(all, "I", [](const Version* each) { return each->type_id; });
    const auto half = [&](auto hash, auto lane) {
        return column_of<uint64_t>(all, "Q", [=](const Version* each) { return each->*hash.*lane; });
    };
    using fingerprint::Hash;
    columns["layout_high"] = half(&Version::layout, &Hash::high);
    columns["layout_low"] = half(&Version::layout, &Hash::low);
    columns["declaration_high"] = half(&Version::declaration, &Hash::high);
    columns["declaration_low"] = half(&Version::declaration, &Hash::low);
    columns["deep_high"] = half(&Version::deep, &Hash::high);
    columns["deep_low"] = half(&Version::deep, &Hash::low);
    return columns;
}

diff::VersionView checked_view(History& history, uint32_t entity, int32_t version) {
    if (entity >= history.entities().size()) {
        throw py::index_error("there is no entity " + std::to_string(entity));
    }
    if (version < 0 || static_cast<std::size_t>(version) >= history.entities()[entity].versions.size()) {
        throw py::index_error("there is no version " + std::to_string(version));
    }
    history.read(entity, version);
    return history.view(entity, version);
}

int64_t signed_or_none(uint32_t size) {
    return size == diff::Member::kUnknownSize ? -1 : static_cast<int64_t>(size);
}

py::tuple member_tuple(const diff::Member& member, DiffTexts& texts) {
    return py::make_tuple(texts.name(member.path), texts.type(member.type), member.bit_offset, member.bits,
                          signed_or_none(member.size),
                          member.embedded == kNone ? -1 : int64_t{member.embedded});
}

// An enumerator has its value in place of the offset.
py::tuple enumerator_tuple(const diff::Member& member, bool is_signed, DiffTexts& texts) {
    const py::int_ value =
        is_signed ? py::int_(static_cast<int64_t>(member.bit_offset)) : py::int_(member.bit_offset);
    return py::make_tuple(texts.name(member.path), py::str(), value, 0, -1, -1);
}

// Returns the size of one version, -1 if it has none; its type or result, or None; and its members,
// enumerators or parameters.
py::tuple members(History& history, uint32_t entity, int32_t version) {
    const DiffLock locked(history);
    const diff::VersionView view = checked_view(history, entity, version);
    const bool is_enum = view.content.holds == diff::Content::Holds::enumeration;
    DiffTexts texts(history);
    py::list found(view.count);
    for (uint32_t i = 0; i != view.count; ++i) {
        set_item(found, i,
                 is_enum ? enumerator_tuple(view.members[i], view.content.signedness != 0, texts)
                         : member_tuple(view.members[i], texts));
    }
    py::object type = py::none();
    if (view.type != nullptr) {
        type = member_tuple(*view.type, texts);
    }
    return py::make_tuple(signed_or_none(view.content.size), type, found, is_enum);
}

}  // namespace

void register_diff(py::module_& module) {
    py::class_<History, HistoryPtr>(module, "DiffHistory", "The definitions of several kernels.")
        .def(py::init<>())
        .def("add", add, py::arg("sources"))
        .def("add_missing", &History::add_missing)
        .def("__len__", [](const History& history) { return history.entities().size(); })
        .def("name", name, py::arg("entity"))
        .def(
            "find", [](History& history, const py::str& name) { return find(history, Text(name)); },
            py::arg("name"))
        .def("entities", entities)
        .def("presence", presence)
        .def("version_numbers", version_numbers, py::arg("entity"), py::arg("depth"))
        .def("versions", versions)
        .def("members", members, py::arg("entity"), py::arg("version"));
}

}  // namespace btfmmap::bindings
