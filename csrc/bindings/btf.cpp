#include "core/btf/btf.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <string>
#include <utility>

#include "bindings/arrays.hpp"
#include "bindings/integers.hpp"
#include "bindings/kind_name.hpp"
#include "bindings/query.hpp"
#include "bindings/register.hpp"
#include "bindings/text.hpp"
#include "bindings/view.hpp"
#include "core/btf/relocate.hpp"
#include "core/input/file.hpp"

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

std::size_t table_number(const std::string& name) {
    std::size_t kind = 0;
    while (kind != kTables.size() && kTables[kind].name != name) {
        ++kind;
    }
    if (kind == kTables.size()) {
        throw py::key_error(name);
    }
    return kind;
}

const Table& built(const Btf& btf, const std::string& name) {
    const std::size_t kind = table_number(name);
    const py::gil_scoped_release unlocked;
    return btf.table(kind);
}

py::dict table(const BtfPtr& btf, const std::string& name) { return view_columns(btf, built(*btf, name)); }

py::dict arrays(const py::object& self, const std::string& name) {
    return array_columns(self, built(self.cast<const Btf&>(), name));
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
    py::list names(index.rows());
    for (std::size_t row = 0; row != index.rows(); ++row) {
        names[row] = to_str(btf.type_name(index.id(row)));
    }
    return names;
}

template <class Look>
py::list listed(const py::object& integers, Look look) {
    const auto wanted = to_integers(integers);
    py::list found(wanted.size());
    for (std::size_t i = 0; i != wanted.size(); ++i) {
        found[i] = look(wanted[i]);
    }
    return found;
}

// Preparing many names takes a while; asking for one does not.
void prepare_names(const Btf& btf) {
    for (const Btf* level = &btf; level != nullptr; level = level->base().get()) {
        if (!level->names().prepared()) {
            const py::gil_scoped_release unlocked;
            level->names().prepare();
        }
    }
}

std::optional<std::uint32_t> find(const Btf& btf, const py::str& name, const py::object& kind) {
    const Text text(name);
    const Query query(text.view(), kind);
    return btf.find(query.name, query.kinds);
}

std::vector<std::uint32_t> find_all(const Btf& btf, const py::str& name, const py::object& kind) {
    const Text text(name);
    const Query query(text.view(), kind);
    return btf.find_all(query.name, query.kinds);
}

// Each name's lowest type id, -1 where there is none.
View lookup(const Btf& btf, const py::object& names, const py::object& kind) {
    prepare_names(btf);
    std::vector<std::int64_t> ids;
    for (const py::handle name : py::iter(names)) {
        const Text text(name);
        const Query query(text.view(), kind);
        const auto found = btf.find(query.name, query.kinds);
        ids.push_back(found ? std::int64_t{*found} : -1);
    }
    return view_of(std::move(ids), "q");
}

// The rows of one of the tables whose name is that.
View rows_named(const Btf& btf, const std::string& table, const py::str& name) {
    const std::string text = to_bytes(name);
    const std::size_t kind = table_number(table);
    const py::gil_scoped_release unlocked;
    const Table& rows = btf.table(kind);
    const auto& columns = rows.columns();
    const auto column = std::find_if(columns.begin(), columns.end(), [](const Column& each) {
        return std::string_view(each.name) == "name_off";
    });
    std::vector<std::uint32_t> found;
    if (column != columns.end()) {
        const auto* offsets = static_cast<const std::uint32_t*>(column->data);
        for (std::size_t row = 0; row != column->rows; ++row) {
            if (offsets[row] < btf.strings().end() && btf.strings().equals(offsets[row], text)) {
                found.push_back(static_cast<std::uint32_t>(row));
            }
        }
    }
    return view_of(std::move(found), "I");
}

}  // namespace

void register_btf(py::module_& module) {
    py::class_<Btf, BtfPtr>(module, "Btf", "One BTF, its index, and what is built from it on demand.")
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
        .def("table", table, py::arg("name"))
        .def("arrays", arrays, py::arg("name"))
        .def(
            "name", [](const Btf& btf, std::int64_t id) { return to_str(btf.type_name(id)); },
            py::arg("type_id"))
        .def("all_names", all_names)
        .def(
            "names",
            [](const Btf& btf, const py::object& ids) {
                return listed(ids, [&btf](std::int64_t id) { return to_str(btf.type_name(id)); });
            },
            py::arg("type_ids"))
        .def(
            "kind_names",
            [](const Btf& btf, const py::object& ids) {
                return listed(ids, [&btf](std::int64_t id) { return py::str(kind_name(btf.kind(id))); });
            },
            py::arg("type_ids"))
        .def(
            "string", [](const Btf& btf, std::int64_t offset) { return to_str(btf.strings().at(offset)); },
            py::arg("offset"))
        .def(
            "strings",
            [](const Btf& btf, const py::object& offsets) {
                return listed(offsets,
                              [&btf](std::int64_t offset) { return to_str(btf.strings().at(offset)); });
            },
            py::arg("offsets"))
        .def("find", find, py::arg("name"), py::arg("kind"))
        .def("find_all", find_all, py::arg("name"), py::arg("kind"))
        .def("lookup", lookup, py::arg("names"), py::arg("kind"))
        .def("rows_named", rows_named, py::arg("table"), py::arg("name"));
}

}  // namespace btfmmap::bindings
