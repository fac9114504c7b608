#include "core/btf/btf.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "bindings/arrays.hpp"
#include "bindings/integers.hpp"
#include "bindings/query.hpp"
#include "bindings/register.hpp"
#include "bindings/text.hpp"
#include "bindings/texts.hpp"
#include "bindings/view.hpp"
#include "core/analysis/summary.hpp"
#include "core/btf/relocate.hpp"
#include "core/format/kind_text.hpp"
#include "core/input/file.hpp"
#include "core/names/rows_named.hpp"
#include "core/pahole/type_names.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

using BtfPtr = std::shared_ptr<Btf>;

const char* to_text(How how) {
    switch (how) {
        case How::mmap:
            return "mmap";
        case How::read:
            return "read";
        case How::buffer:
            break;
    }
    return "buffer";
}

BtfPtr open(const File& file, const BtfPtr& base, std::uint32_t pointer_size) {
    const py::gil_scoped_release unlocked;
    return std::make_shared<Btf>(file.whole(), file.name(), base, pointer_size);
}

BtfPtr relocated(const Btf& split, const BtfPtr& base, const py::str& split_name, const py::str& base_name) {
    const std::string name = to_bytes(split_name);
    const std::string onto = to_bytes(base_name);
    const py::gil_scoped_release unlocked;
    return std::const_pointer_cast<Btf>(relocate(split, base, name, onto));
}

View type_section(const BtfPtr& btf) {
    const Bytes section = btf->type_section();
    const char* format = btf->header().order == ByteOrder::little ? "<I" : ">I";
    return {btf, section.data, section.size / sizeof(std::uint32_t), sizeof(std::uint32_t), format};
}

std::size_t checked_table_number(const std::string& name) {
    const std::size_t number = table_number(name);
    if (number == kTables.size()) {
        throw py::key_error(name);
    }
    return number;
}

py::tuple table_columns(const std::string& table) {
    const TableKind& kind = kTables[checked_table_number(table)];
    py::list names;
    for (std::size_t i = 0; i != column_count(kind); ++i) {
        names.append(kind.columns[i]);
    }
    return py::tuple(names);
}

std::size_t table_rows(const Btf& btf, const std::string& table) {
    const std::size_t number = checked_table_number(table);
    const py::gil_scoped_release unlocked;
    return btf.table(number, 0).rows();
}

// Returns columns of a table, built in one pass.
std::vector<Column> built_columns(const Btf& btf, const std::string& table,
                                  const std::vector<std::string>& names) {
    const std::size_t number = checked_table_number(table);
    std::vector<std::size_t> wanted;
    RecordTable::Columns set = 0;
    for (const std::string& name : names) {
        wanted.push_back(column_number(kTables[number], name));
        if (wanted.back() == TableKind::kMaxColumns) {
            throw py::key_error(name);
        }
        set |= RecordTable::Columns{1} << wanted.back();
    }
    const py::gil_scoped_release unlocked;
    const RecordTable& built = btf.table(number, set);
    std::vector<Column> columns;
    for (const std::size_t column : wanted) {
        columns.push_back(built.column(column));
    }
    return columns;
}

py::dict column_views(const BtfPtr& btf, const std::string& table, const std::vector<std::string>& names) {
    return view_columns(btf, built_columns(*btf, table, names));
}

py::dict column_arrays(const py::object& self, const std::string& table,
                       const std::vector<std::string>& names) {
    return array_columns(self, built_columns(self.cast<const Btf&>(), table, names));
}

py::dict header(const Btf& btf) {
    const Header& header = btf.header();
    py::dict fields;
    fields["version"] = header.version;
    fields["flags"] = header.flags;
    fields["hdr_len"] = header.size;
    fields["type_off"] = header.type_offset;
    fields["type_len"] = header.type_size;
    fields["str_off"] = header.string_offset;
    fields["str_len"] = header.string_size;
    fields["layout_off"] = header.layout_offset;
    fields["layout_len"] = header.layout_size;
    return fields;
}

py::list all_names(const Btf& btf) {
    const Index& index = btf.index();
    Texts names(index.rows());
    for (std::size_t row = 0; row != index.rows(); ++row) {
        names.add(btf.type_name_start(index.id(row)));
    }
    return names.list();
}

py::list names(const Btf& btf, const py::object& ids) {
    const auto wanted = to_integers(ids);
    Texts names(wanted.size());
    for (const std::int64_t id : wanted) {
        names.add(btf.type_name_start(id));
    }
    return names.list();
}

py::list strings(const Btf& btf, const py::object& offsets) {
    const auto wanted = to_integers(offsets);
    Texts strings(wanted.size());
    for (const std::int64_t offset : wanted) {
        strings.add(btf.strings().checked_rest(offset));
    }
    return strings.list();
}

// Like strings(), for offsets into several BTFs. `numbers` has the index into `btfs` for each offset.
py::list strings_of(const std::vector<BtfPtr>& btfs, const py::object& numbers, const py::object& offsets) {
    const auto owners = to_integers(numbers);
    const auto wanted = to_integers(offsets);
    if (owners.size() != wanted.size()) {
        throw py::value_error(std::to_string(owners.size()) + " numbers of BTFs, but " +
                              std::to_string(wanted.size()) + " offsets");
    }
    Texts strings(wanted.size());
    for (std::size_t i = 0; i != wanted.size(); ++i) {
        if (owners[i] < 0 || static_cast<std::uint64_t>(owners[i]) >= btfs.size()) {
            throw py::index_error("no BTF " + std::to_string(owners[i]) + ", there are " +
                                  std::to_string(btfs.size()));
        }
        strings.add(btfs[static_cast<std::size_t>(owners[i])]->strings().checked_rest(wanted[i]));
    }
    return strings.list();
}

py::str spelled(const TypeNames& names, std::size_t number) {
    const std::string_view name = names.name(number);
    return decoded(name.data(), name.size());
}

// Spells each distinct type once.
py::list c_names(const Btf& btf, const py::object& ids) {
    const auto wanted = to_integers(ids);
    const TypeNames names = [&] {
        const py::gil_scoped_release unlocked;
        return TypeNames(btf, wanted);
    }();
    std::vector<py::str> made;
    made.reserve(names.distinct());
    for (std::size_t number = 0; number != names.distinct(); ++number) {
        made.push_back(spelled(names, number));
    }
    return list_of(made, names.numbers());
}

// Creates one str per kind.
py::list kind_names(const Btf& btf, const py::object& ids) {
    const auto wanted = to_integers(ids);
    std::array<py::object, kMaxKinds> made;
    py::list names(wanted.size());
    for (std::size_t i = 0; i != wanted.size(); ++i) {
        const Kind kind = btf.kind(wanted[i]);
        py::object& name = made[static_cast<std::size_t>(kind)];
        if (!name) {
            name = py::str(kind_name(kind));
        }
        PyList_SET_ITEM(names.ptr(), static_cast<py::ssize_t>(i), py::object(name).release().ptr());
    }
    return names;
}

// Releases the GIL while the hash tables of names are built.
void prepare_names(const Btf& btf) {
    for (const Btf* level = &btf; level != nullptr; level = level->base().get()) {
        if (!level->names().prepared()) {
            const py::gil_scoped_release unlocked;
            level->names().prepare();
        }
    }
}

std::optional<std::uint32_t> find(const Btf& btf, py::handle name, const py::object& kind) {
    const Text text(name);
    const Query query(text.view(), to_kind(kind));
    return btf.find(query.name, query.kinds);
}

std::vector<std::uint32_t> find_all(const Btf& btf, py::handle name, const py::object& kind) {
    const Text text(name);
    const Query query(text.view(), to_kind(kind));
    return btf.find_all(query.name, query.kinds);
}

// Returns the lowest type ID for each name; -1 if there is none.
View lookup(const Btf& btf, const py::object& names, const py::object& kind) {
    prepare_names(btf);
    std::vector<std::int64_t> ids;
    for (const py::handle name : py::iter(names)) {
        const Text text(name);
        const Query query(text.view(), to_kind(kind));
        const auto found = btf.find(query.name, query.kinds);
        ids.push_back(found ? std::int64_t{*found} : -1);
    }
    return view_of(std::move(ids), "q");
}

// Returns the numbers of records by kind, those of elements and strings, and the IDs and sizes of the largest
// structs. Kinds that only the layout section describes are listed if there are records of them.
py::tuple summary(const Btf& btf, std::size_t top) {
    const Summary found = [&] {
        const py::gil_scoped_release unlocked;
        return Summary(btf, top);
    }();
    py::dict kinds;
    for (std::size_t number = 1; number != kMaxKinds; ++number) {
        const auto kind = static_cast<Kind>(number);
        if (shape_of(kind).known || found.records[number] != 0) {
            kinds[py::str(kind_name(kind))] = found.records[number];
        }
    }
    py::dict counts;
    counts["members"] = found.elements_of(Kind::Struct) + found.elements_of(Kind::Union);
    counts["params"] = found.elements_of(Kind::FuncProto);
    counts["enumerators"] = found.elements_of(Kind::Enum) + found.elements_of(Kind::Enum64);
    counts["secinfos"] = found.elements_of(Kind::Datasec);
    counts["strings"] = found.strings;
    return py::make_tuple(kinds, counts, found.biggest_structs);
}

// Returns the rows of a table that have a name. The table must have the column name_off.
View named_rows(const Btf& btf, const std::string& table, py::handle name) {
    const Text text(name);
    const Column offsets = built_columns(btf, table, {"name_off"}).front();
    const py::gil_scoped_release unlocked;
    return view_of(
        rows_named(btf.strings(), static_cast<const std::uint32_t*>(offsets.data), offsets.rows, text.view()),
        "I");
}

}  // namespace

void register_btf(py::module_& module) {
    py::class_<Btf, BtfPtr>(module, "Btf",
                            "One BTF, its index, and the tables that are built from it on first use.")
        .def(py::init(&open), py::arg("file"), py::arg("base"), py::arg("pointer_size"))
        .def("relocate", relocated, py::arg("base"), py::arg("name"), py::arg("base_name"))
        .def_property_readonly("how", [](const Btf& btf) { return to_text(btf.mapping().how()); })
        .def_property_readonly("size", [](const Btf& btf) { return btf.mapping().bytes().size; })
        .def_property_readonly(
            "byte_order",
            [](const Btf& btf) { return btf.header().order == ByteOrder::little ? "little" : "big"; })
        .def_property_readonly("pointer_size", &Btf::pointer_size)
        .def_property_readonly("distilled",
                               [](const Btf& btf) {
                                   const py::gil_scoped_release unlocked;
                                   return btf.distilled();
                               })
        .def_property_readonly("header", header)
        .def_property_readonly("rows", [](const Btf& btf) { return btf.index().rows(); })
        .def_property_readonly("first_id", [](const Btf& btf) { return btf.index().first_id(); })
        .def_property_readonly("raw",
                               [](const BtfPtr& btf) { return view_bytes(btf, btf->mapping().bytes()); })
        .def_property_readonly("type_section", type_section)
        .def_property_readonly("string_section",
                               [](const BtfPtr& btf) { return view_bytes(btf, btf->string_section()); })
        .def_static("table_columns", table_columns, py::arg("table"))
        .def("table_rows", table_rows, py::arg("table"))
        .def("column_views", column_views, py::arg("table"), py::arg("names"))
        .def("column_arrays", column_arrays, py::arg("table"), py::arg("names"))
        .def(
            "name", [](const Btf& btf, py::handle id) { return to_str(btf.type_name(to_integer(id))); },
            py::arg("type_id"))
        .def("all_names", all_names)
        .def("names", names, py::arg("type_ids"))
        .def(
            "c_name", [](const Btf& btf, std::int64_t id) { return spelled(TypeNames(btf, {id}), 0); },
            py::arg("type_id"))
        .def("c_names", c_names, py::arg("type_ids"))
        .def("kind_names", kind_names, py::arg("type_ids"))
        .def("summary", summary, py::arg("top"))
        .def(
            "string",
            [](const Btf& btf, py::handle offset) { return to_str(btf.strings().at(to_integer(offset))); },
            py::arg("offset"))
        .def("strings", strings, py::arg("offsets"))
        .def_static("strings_of", strings_of, py::arg("btfs"), py::arg("numbers"), py::arg("offsets"))
        .def("find", find, py::arg("name"), py::arg("kind"))
        .def("find_all", find_all, py::arg("name"), py::arg("kind"))
        .def("lookup", lookup, py::arg("names"), py::arg("kind"))
        .def("rows_named", named_rows, py::arg("table"), py::arg("name"));
}

}  // namespace btfmmap::bindings
