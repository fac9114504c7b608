#include "core/btf.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <utility>

#include "bindings/integers.hpp"
#include "bindings/register.hpp"
#include "bindings/text.hpp"
#include "bindings/view.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

using BtfPtr = std::shared_ptr<Btf>;

Method to_method(const std::string& name) {
    if (name == "auto") {
        return Method::automatic;
    }
    if (name == "mmap") {
        return Method::mmap;
    }
    if (name == "read") {
        return Method::read;
    }
    throw py::value_error("method is '" + name + "', must be 'auto', 'mmap' or 'read'");
}

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

// So that Ctrl-C ends the wait for a pipe that nobody fills.
void run_signal_handlers() {
    const py::gil_scoped_acquire locked;
    if (PyErr_CheckSignals() != 0) {
        throw py::error_already_set();
    }
}

BtfPtr open_path(const std::string& path, const std::string& method_name) {
    const Method method = to_method(method_name);
    const py::gil_scoped_release unlocked;
    return std::make_shared<Btf>(Mapping::open(path, method, run_signal_handlers), path);
}

// Holds the object's buffer, and so its bytes in place (a bytearray cannot be resized meanwhile).
BtfPtr open_buffer(const py::object& data) {
    auto held = std::make_unique<Py_buffer>();
    if (PyObject_GetBuffer(data.ptr(), held.get(), PyBUF_SIMPLE) != 0) {
        throw py::error_already_set();
    }
    const Bytes bytes{static_cast<const std::byte*>(held->buf), static_cast<std::size_t>(held->len)};
    const std::shared_ptr<const void> owner(held.release(), [](Py_buffer* buffer) {
        const py::gil_scoped_acquire locked;
        PyBuffer_Release(buffer);
        delete buffer;
    });
    const py::gil_scoped_release unlocked;
    return std::make_shared<Btf>(Mapping::borrow(bytes, owner), "buffer");
}

View view_bytes(const BtfPtr& btf, Bytes bytes) { return {btf, bytes.data, bytes.size, 1, "B"}; }

View type_section(const BtfPtr& btf) {
    const Bytes section = btf->type_section();
    const char* format = btf->header().order == ByteOrder::little ? "<I" : ">I";
    return {btf, section.data, section.size / sizeof(std::uint32_t), sizeof(std::uint32_t), format};
}

py::dict table(const BtfPtr& btf, const std::string& name) {
    std::size_t kind = 0;
    while (kind != kTables.size() && kTables[kind].name != name) {
        ++kind;
    }
    if (kind == kTables.size()) {
        throw py::key_error(name);
    }
    const Table* table = nullptr;
    {
        const py::gil_scoped_release unlocked;
        table = &btf->table(kind);
    }
    py::dict columns;
    for (const Column& column : table->columns()) {
        columns[column.name] =
            View{btf, column.data, column.rows, column.item_size, std::string(1, column.format)};
    }
    return columns;
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
    const std::size_t rows = btf.index().rows();
    py::list names(rows);
    for (std::size_t id = 0; id != rows; ++id) {
        names[id] = to_str(btf.type_name(static_cast<std::int64_t>(id)));
    }
    return names;
}

template <class Look>
py::list texts(const py::object& integers, Look look) {
    const auto wanted = to_integers(integers);
    py::list found(wanted.size());
    for (std::size_t i = 0; i != wanted.size(); ++i) {
        found[i] = to_str(look(wanted[i]));
    }
    return found;
}

// An empty sequence stands for all kinds.
Kinds to_kinds(const py::bytes& kinds) {
    Kinds set;
    for (const char kind : std::string_view(kinds)) {
        const auto number = static_cast<unsigned char>(kind);
        if (number >= kMaxKinds) {
            throw py::value_error("kind is " + std::to_string(number) + ", must be below " +
                                  std::to_string(kMaxKinds));
        }
        set.set(number);
    }
    return set.none() ? set.set() : set;
}

const Names& names_of(const Btf& btf) {
    const py::gil_scoped_release unlocked;
    return btf.names();
}

}  // namespace

void register_btf(py::module_& module) {
    py::class_<Btf, BtfPtr>(module, "Btf", "One BTF, its index, and what is built from it on demand.")
        .def_static("open_path", open_path, py::arg("path"), py::arg("method"))
        .def_static("open_buffer", open_buffer, py::arg("data"))
        .def_property_readonly("how", [](const Btf& btf) { return to_text(btf.mapping().how()); })
        .def_property_readonly("size", [](const Btf& btf) { return btf.mapping().bytes().size; })
        .def_property_readonly(
            "byte_order",
            [](const Btf& btf) { return btf.header().order == ByteOrder::little ? "little" : "big"; })
        .def_property_readonly("pointer_size", &Btf::pointer_size)
        .def_property_readonly("header", header)
        .def_property_readonly("rows", [](const Btf& btf) { return btf.index().rows(); })
        .def_property_readonly("raw",
                               [](const BtfPtr& btf) { return view_bytes(btf, btf->mapping().bytes()); })
        .def_property_readonly("type_section", type_section)
        .def_property_readonly("string_section",
                               [](const BtfPtr& btf) { return view_bytes(btf, btf->string_section()); })
        .def("table", table, py::arg("name"))
        .def(
            "name", [](const Btf& btf, std::int64_t id) { return to_str(btf.type_name(id)); },
            py::arg("type_id"))
        .def("all_names", all_names)
        .def(
            "names",
            [](const Btf& btf, const py::object& ids) {
                return texts(ids, [&btf](std::int64_t id) { return btf.type_name(id); });
            },
            py::arg("type_ids"))
        .def(
            "string", [](const Btf& btf, std::int64_t offset) { return to_str(btf.strings().at(offset)); },
            py::arg("offset"))
        .def(
            "strings",
            [](const Btf& btf, const py::object& offsets) {
                return texts(offsets, [&btf](std::int64_t offset) { return btf.strings().at(offset); });
            },
            py::arg("offsets"))
        .def(
            "find",
            [](const Btf& btf, const py::str& name, const py::bytes& kinds) {
                return names_of(btf).find(to_bytes(name), to_kinds(kinds));
            },
            py::arg("name"), py::arg("kinds"))
        .def(
            "find_all",
            [](const Btf& btf, const py::str& name, const py::bytes& kinds) {
                return names_of(btf).find_all(to_bytes(name), to_kinds(kinds));
            },
            py::arg("name"), py::arg("kinds"));
}

}  // namespace btfmmap::bindings
