#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bindings/register.hpp"
#include "bindings/text.hpp"
#include "bindings/view.hpp"
#include "core/base/error.hpp"
#include "core/diff/changes.hpp"
#include "core/diff/history.hpp"
#include "core/diff/spelling.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

using diff::Changes;
using diff::History;
using diff::kNone;
using diff::Row;
using diff::Side;
using diff::Version;
using std::int32_t;
using std::int64_t;
using std::uint32_t;
using std::uint64_t;
using std::uint8_t;
using HistoryPtr = std::shared_ptr<History>;

using PySource = std::tuple<std::shared_ptr<BtfSizes>, std::shared_ptr<Fingerprints>, py::str>;

constexpr uint64_t kMaxText = uint64_t{1} << 30;

// Names and spellings as Python objects, each made once.
class Texts {
public:
    explicit Texts(const History& history) : history_(history) {}

    const py::str& name(uint32_t number) {
        return made(names_[number], [&] { return to_str(history_.names().text(number)); });
    }
    const py::str& type(uint32_t number) {
        return number == kNone ? name(0) : made(types_[number], [&] {
            const std::string text = diff::spelled(history_.spellings(), history_.names(), number);
            size_ += text.size();
            if (size_ > kMaxText) {
                throw Error::not_supported("the texts of the types exceed 1 GiB");
            }
            return to_str(text);
        });
    }
    // The text of one side of a change: a type, or tags.
    py::str text(const Side& side) {
        if (side.tags == 0) {
            return type(side.type);
        }
        std::string tags(history_.names().text(side.tags));
        for (std::size_t at = 0; (at = tags.find('\0', at)) != std::string::npos;) {
            tags.replace(at, 1, ", ");
        }
        return to_str(tags);
    }

private:
    template <class Make>
    static const py::str& made(py::object& text, Make make) {
        if (!text) {
            text = make();
        }
        return static_cast<const py::str&>(text);
    }

    const History& history_;
    std::unordered_map<uint32_t, py::object> names_, types_;
    uint64_t size_ = 0;
};

void add(History& history, const std::vector<PySource>& sources) {
    std::vector<diff::Source> kernel;
    for (const auto& [sizes, fingerprints, module] : sources) {
        kernel.push_back({sizes, fingerprints, to_bytes(module)});
    }
    const py::gil_scoped_release unlocked;
    history.add_kernel(kernel);
}

py::list list_of(std::size_t size) { return py::list(size); }

void set(py::list& list, std::size_t index, py::object item) {
    PyList_SET_ITEM(list.ptr(), static_cast<py::ssize_t>(index), item.release().ptr());
}

template <class T, class Items, class Get>
View column(const Items& items, const char* format, Get get) {
    std::vector<T> values;
    values.reserve(items.size());
    for (const auto& item : items) {
        values.push_back(static_cast<T>(get(item)));
    }
    return view_of(std::move(values), format);
}

// Holds the mutex of a history. Waits for it without the GIL, which other threads need to release it.
class Locked {
public:
    explicit Locked(History& history) : lock_(history.mutex(), std::defer_lock) {
        const py::gil_scoped_release unlocked;
        lock_.lock();
    }

private:
    std::unique_lock<std::mutex> lock_;
};

py::dict entities(History& history) {
    const Locked locked(history);
    const auto& all = history.entities();
    Texts texts(history);
    py::list names = list_of(all.size());
    for (std::size_t i = 0; i != all.size(); ++i) {
        set(names, i, texts.name(all[i].name));
    }
    py::dict columns;
    columns["kind"] = column<uint8_t>(all, "B", [](const diff::Entity& each) { return each.class_; });
    columns["name"] = names;
    columns["uncertain"] = column<uint8_t>(all, "B", [](const diff::Entity& each) { return each.uncertain; });
    return columns;
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

py::dict versions(History& history) {
    const Locked locked(history);
    std::vector<const Version*> all;
    std::vector<uint32_t> numbers;
    for (uint32_t entity = 0; entity != history.entities().size(); ++entity) {
        for (std::size_t i = 0; i != history.entities()[entity].versions.size(); ++i) {
            all.push_back(&history.version(entity, static_cast<int32_t>(i)));
            numbers.push_back(static_cast<uint32_t>(i));
        }
    }
    Texts texts(history);
    py::list modules = list_of(all.size());
    for (std::size_t i = 0; i != all.size(); ++i) {
        set(modules, i, texts.name(all[i]->module));
    }
    py::dict columns;
    columns["entity"] = column<uint32_t>(all, "I", [](const Version* each) { return each->entity; });
    columns["version"] = view_of(std::move(numbers), "I");
    columns["kernel"] = column<uint32_t>(all, "I", [](const Version* each) { return each->kernel; });
    columns["module_name"] = modules;
    columns["type_id"] = column<uint32_t>(all, "I", [](const Version* each) { return each->type_id; });
    const auto half = [&](auto hash, auto lane) {
        return column<uint64_t>(all, "Q", [=](const Version* each) { return each->*hash.*lane; });
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

py::tuple member_tuple(const diff::Member& member, Texts& texts) {
    return py::make_tuple(texts.name(member.path), texts.type(member.type), member.bit_offset, member.bits,
                          signed_or_none(member.size),
                          member.embedded == kNone ? -1 : int64_t{member.embedded});
}

// An enumerator has its value in place of the offset.
py::tuple enumerator_tuple(const diff::Member& member, bool is_signed, Texts& texts) {
    const py::int_ value =
        is_signed ? py::int_(static_cast<int64_t>(member.bit_offset)) : py::int_(member.bit_offset);
    return py::make_tuple(texts.name(member.path), py::str(), value, 0, -1, -1);
}

// Returns the size of one version, -1 if it has none; its type or result, or None; and its members,
// enumerators or parameters.
py::tuple members(History& history, uint32_t entity, int32_t version) {
    const Locked locked(history);
    const diff::VersionView view = checked_view(history, entity, version);
    const bool is_enum = view.version.holds == Version::Holds::enumeration;
    Texts texts(history);
    py::list found = list_of(view.count);
    for (uint32_t i = 0; i != view.count; ++i) {
        set(found, i,
            is_enum ? enumerator_tuple(view.members[i], view.version.signedness != 0, texts)
                    : member_tuple(view.members[i], texts));
    }
    py::object type = py::none();
    if (view.type != nullptr) {
        type = member_tuple(*view.type, texts);
    }
    return py::make_tuple(signed_or_none(view.version.size), type, found, is_enum);
}

template <class Get>
View side_column(const std::vector<Row>& rows, bool after, Get get) {
    using Value = decltype(get(Side()));
    const char* format = sizeof(Value) == 8 ? "q" : "i";
    return column<Value>(rows, format, [&](const Row& row) { return get(after ? row.after : row.before); });
}

py::dict columns_of(Changes& changes) {
    const Locked locked(changes.history());
    const auto& rows = changes.rows();
    Texts texts(changes.history());
    py::dict columns;
    columns["entity"] = column<uint32_t>(rows, "I", [](const Row& row) { return row.entity; });
    columns["kind"] = column<uint8_t>(rows, "B", [](const Row& row) { return row.change; });
    columns["own"] = column<uint8_t>(rows, "B", [](const Row& row) { return row.own; });
    columns["layout"] = column<uint8_t>(rows, "B", [](const Row& row) { return row.layout; });
    for (const bool after : {false, true}) {
        const std::string end = after ? "_new" : "_old";
        py::list paths = list_of(rows.size()), types = list_of(rows.size());
        for (std::size_t i = 0; i != rows.size(); ++i) {
            const Side& side = after ? rows[i].after : rows[i].before;
            set(paths, i, texts.name(side.path));
            set(types, i, texts.text(side));
        }
        columns[("path" + end).c_str()] = paths;
        columns[("text" + end).c_str()] = types;
        columns[("offset" + end).c_str()] =
            side_column(rows, after, [](const Side& side) { return side.bit_offset; });
        columns[("bits" + end).c_str()] =
            side_column(rows, after, [](const Side& side) { return side.bits; });
        columns[("size" + end).c_str()] =
            side_column(rows, after, [](const Side& side) { return side.size; });
        columns[("value" + end).c_str()] =
            side_column(rows, after, [](const Side& side) { return side.value; });
        columns[("signed" + end).c_str()] = column<uint8_t>(
            rows, "B", [after](const Row& row) { return !(after ? row.after : row.before).is_unsigned; });
        columns[("cause" + end).c_str()] =
            side_column(rows, after, [](const Side& side) { return static_cast<int32_t>(side.cause); });
    }
    return columns;
}

py::dict changed(const Changes& changes) {
    const auto all = changes.changed();
    py::dict columns;
    columns["entity"] = column<uint32_t>(all, "I", [](const Changes::Changed& each) { return each.entity; });
    columns["own"] = column<uint8_t>(all, "B", [](const Changes::Changed& each) { return each.own; });
    columns["declared"] =
        column<uint8_t>(all, "B", [](const Changes::Changed& each) { return each.declared; });
    columns["layout"] = column<uint8_t>(all, "B", [](const Changes::Changed& each) { return each.layout; });
    return columns;
}

py::tuple causes(const Changes& changes, const py::bytes& marks) {
    const std::string_view bytes = marks;
    const std::vector<uint8_t> counted(bytes.begin(), bytes.end());
    const auto found = [&] {
        const py::gil_scoped_release unlocked;
        return changes.causes(counted);
    }();
    return py::make_tuple(
        column<uint32_t>(found, "I", [](const Changes::Cause& each) { return each.entity; }),
        column<uint32_t>(found, "I", [](const Changes::Cause& each) { return each.followers; }));
}

std::shared_ptr<Changes> compare(const HistoryPtr& history, uint32_t before, uint32_t after) {
    const py::gil_scoped_release unlocked;
    return std::make_shared<Changes>(history, before, after);
}

}  // namespace

void register_diff(py::module_& module) {
    py::class_<History, HistoryPtr>(module, "DiffHistory", "The definitions of several kernels.")
        .def(py::init<>())
        .def("add", add, py::arg("sources"))
        .def("add_missing", &History::add_missing)
        .def("entities", entities)
        .def("presence", presence)
        .def("versions", versions)
        .def("members", members, py::arg("entity"), py::arg("version"));
    py::class_<Changes, std::shared_ptr<Changes>>(module, "DiffChanges", "The changes between two kernels.")
        .def(py::init(&compare), py::arg("history"), py::arg("before"), py::arg("after"))
        .def("columns", columns_of)
        .def("changed", changed)
        .def("causes", causes, py::arg("counted"))
        .def(
            "followers",
            [](const Changes& changes, uint32_t cause) { return view_of(changes.followers(cause), "I"); },
            py::arg("cause"))
        .def(
            "causes_of",
            [](const Changes& changes, uint32_t entity) { return view_of(changes.causes_of(entity), "I"); },
            py::arg("entity"));
}

}  // namespace btfmmap::bindings
