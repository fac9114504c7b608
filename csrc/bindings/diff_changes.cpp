#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bindings/diff_report.hpp"
#include "bindings/diff_texts.hpp"
#include "bindings/named_tuple.hpp"
#include "bindings/register.hpp"
#include "bindings/view.hpp"
#include "core/diff/changes.hpp"
#include "core/diff/history.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

using diff::Changes;
using diff::History;
using diff::Row;
using diff::Side;
using std::int32_t;
using std::int64_t;
using std::uint32_t;
using std::uint64_t;
using std::uint8_t;
using HistoryPtr = std::shared_ptr<History>;

template <class Get>
View side_column(const std::vector<Row>& rows, bool after, Get get) {
    using Value = decltype(get(Side()));
    const char* format = sizeof(Value) == 8 ? "q" : "i";
    return column_of<Value>(rows, format,
                            [&](const Row& row) { return get(after ? row.after : row.before); });
}

py::dict columns_of(Changes& changes) {
    const DiffLock locked(changes.history());
    const auto& rows = changes.rows();
    DiffTexts texts(changes.history());
    py::dict columns;
    columns["entity"] = column_of<uint32_t>(rows, "I", [](const Row& row) { return row.entity; });
    columns["kind"] = column_of<uint8_t>(rows, "B", [](const Row& row) { return row.change; });
    columns["own"] = column_of<uint8_t>(rows, "B", [](const Row& row) { return row.own; });
    columns["layout"] = column_of<uint8_t>(rows, "B", [](const Row& row) { return row.layout; });
    for (const bool after : {false, true}) {
        const std::string end = after ? "_new" : "_old";
        py::list paths(rows.size()), types(rows.size());
        for (std::size_t i = 0; i != rows.size(); ++i) {
            const Side& side = after ? rows[i].after : rows[i].before;
            set_item(paths, i, texts.name(side.path));
            set_item(types, i, texts.text(side));
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
        columns[("signed" + end).c_str()] = column_of<uint8_t>(
            rows, "B", [after](const Row& row) { return !(after ? row.after : row.before).is_unsigned; });
        columns[("cause" + end).c_str()] =
            side_column(rows, after, [](const Side& side) { return static_cast<int32_t>(side.cause); });
    }
    return columns;
}

// Makes the named tuples of changed entities. Python's own constructors would take longer than the
// comparison.
class Changed {
public:
    // `kinds` has the members of EntityKind and ChangeKind.
    Changed(Changes& changes, py::type entity, py::type change, py::tuple entity_kinds,
            py::tuple change_kinds)
        : changes_(changes),
          texts_(changes.history()),
          entity_(named_tuple_type(entity)),
          change_(named_tuple_type(change)),
          entity_kinds_(std::move(entity_kinds)),
          change_kinds_(std::move(change_kinds)) {}

    py::object entity(const Changes::Changed& each) {
        const diff::Entity& entity = changes_.history().entities()[each.entity];
        py::list changes(each.rows);
        for (uint32_t i = 0; i != each.rows; ++i) {
            set_item(changes, i, change(changes_.rows()[each.row + i]));
        }
        const bool layout = each.depth == Changes::Depth::layout;
        return named_tuple(entity_, py::int_(each.entity),
                           entity_kinds_[static_cast<std::size_t>(entity.class_)], texts_.name(entity.name),
                           py::bool_(each.own), py::bool_(layout), changes);
    }

private:
    // All that were added, and all that were removed, share a row: it says no more.
    py::object change(const Row& row) {
        if (row.change != diff::Change::added && row.change != diff::Change::removed) {
            return made(row);
        }
        py::object& shared = row.change == diff::Change::added ? added_ : removed_;
        if (!shared) {
            shared = made(row);
        }
        return shared;
    }

    py::object made(const Row& row) {
        const Side& before = row.before;
        const Side& after = row.after;
        return named_tuple(change_, change_kinds_[static_cast<std::size_t>(row.change)], py::bool_(row.own),
                           py::bool_(row.layout), texts_.name(before.path), texts_.name(after.path),
                           texts_.text(before), texts_.text(after), number(before.bit_offset),
                           number(after.bit_offset), number(before.bits), number(after.bits),
                           number(before.size), number(after.size), value(before), value(after),
                           cause(before), cause(after));
    }

    static py::int_ number(int64_t value) { return value; }
    static py::int_ value(const Side& side) {
        return side.is_unsigned ? py::int_(static_cast<uint64_t>(side.value)) : py::int_(side.value);
    }
    static py::int_ cause(const Side& side) { return static_cast<int32_t>(side.cause); }

    Changes& changes_;
    DiffTexts texts_;
    PyTypeObject* entity_;
    PyTypeObject* change_;
    py::tuple entity_kinds_, change_kinds_;
    py::object added_, removed_;
};

std::vector<uint8_t> marks_of(const py::bytes& marks) {
    const std::string_view bytes = marks;
    return {bytes.begin(), bytes.end()};
}

py::list changed(Changes& changes, int depth, const py::bytes& selected, const py::type& entity,
                 const py::type& change, const py::tuple& entity_kinds, const py::tuple& change_kinds) {
    const auto found = changes.changed(diff_depth(depth), marks_of(selected));
    const DiffLock locked(changes.history());
    Changed made(changes, entity, change, entity_kinds, change_kinds);
    py::list rows(found.size());
    for (std::size_t i = 0; i != found.size(); ++i) {
        set_item(rows, i, made.entity(found[i]));
    }
    return rows;
}

// Returns a tuple for each class of entities: the numbers of those that were added, were removed, changed by
// themselves, and follow.
py::list counts(const Changes& changes, int depth, const py::bytes& selected) {
    py::list found;
    for (const Changes::Counts& each : changes.counts(diff_depth(depth), marks_of(selected))) {
        found.append(py::make_tuple(each.added, each.removed, each.own, each.follows));
    }
    return found;
}

py::tuple causes(const Changes& changes, const py::bytes& marks) {
    const std::vector<uint8_t> counted = marks_of(marks);
    const auto found = [&] {
        const py::gil_scoped_release unlocked;
        return changes.causes(counted);
    }();
    return py::make_tuple(
        column_of<uint32_t>(found, "I", [](const Changes::Cause& each) { return each.entity; }),
        column_of<uint32_t>(found, "I", [](const Changes::Cause& each) { return each.followers; }));
}

std::shared_ptr<Changes> compare(const HistoryPtr& history, uint32_t before, uint32_t after) {
    const py::gil_scoped_release unlocked;
    return std::make_shared<Changes>(history, before, after);
}

}  // namespace

void register_diff_changes(py::module_& module) {
    py::class_<Changes, std::shared_ptr<Changes>>(module, "DiffChanges", "The changes between two kernels.")
        .def(py::init(&compare), py::arg("history"), py::arg("before"), py::arg("after"))
        .def("columns", columns_of)
        .def("changed", changed, py::arg("depth"), py::arg("selected"), py::arg("entity"), py::arg("change"),
             py::arg("entity_kinds"), py::arg("change_kinds"))
        .def("counts", counts, py::arg("depth"), py::arg("selected"))
        .def("causes", causes, py::arg("counted"))
        .def(
            "followers",
            [](const Changes& changes, uint32_t cause) { return view_of(changes.followers(cause), "I"); },
            py::arg("cause"))
        .def(
            "causes_of",
            [](const Changes& changes, uint32_t entity) { return view_of(changes.causes_of(entity), "I"); },
            py::arg("entity"));
    register_diff_report(module);
}

}  // namespace btfmmap::bindings
