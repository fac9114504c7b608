#include "bindings/fields.hpp"

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bindings/integers.hpp"
#include "bindings/text.hpp"
#include "bindings/texts.hpp"
#include "core/analysis/layout_members.hpp"
#include "core/analysis/member_paths.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

// Returns the names of fields. `get(item)` is the Field of an item of `items`.
template <class Items, class Get>
py::list names_of(const BtfSizes& sizes, const Items& items, Get get) {
    Texts names(items.size());
    for (const auto& item : items) {
        names.add(sizes.btf().strings().checked_rest(get(item).name_off));
    }
    return names.list();
}

std::uint32_t composite_(const BtfSizes& sizes, std::int64_t type_id) {
    return composite(sizes, sizes.btf().check_id(type_id));
}

py::list fields(const BtfSizes& sizes, std::int64_t type_id) {
    const auto kept = sizes.fields(composite(sizes, sizes.btf().check_id(type_id)));
    const std::vector<Field>& all = kept->all();
    const py::list names = names_of(sizes, all, [](const Field& field) -> const Field& { return field; });
    py::list rows(all.size());
    for (std::size_t i = 0; i != all.size(); ++i) {
        const Field& field = all[i];
        rows[i] = py::make_tuple(names[i], field.type, field.bit_offset, field.bitfield_size, field.depth,
                                 field.in_union, field.parent, field.number, field.resolved,
                                 static_cast<int>(field.kind), field.size, field.flexible);
    }
    return rows;
}

// Returns the columns of LayoutMember in Python, up to `bit_hole`; types are numbers.
py::list layout_members_(const BtfSizes& sizes, std::int64_t type_id) {
    const auto members = layout_members(sizes, sizes.btf().check_id(type_id));
    const auto column = [&](auto get) {
        py::list column(members.size());
        for (std::size_t i = 0; i != members.size(); ++i) {
            PyList_SET_ITEM(column.ptr(), static_cast<py::ssize_t>(i),
                            py::int_(get(members[i])).release().ptr());
        }
        return column;
    };
    py::list columns;
    columns.append(
        names_of(sizes, members, [](const LayoutMember& member) -> const Field& { return member.field; }));
    columns.append(column([](const LayoutMember& member) { return member.field.type; }));
    columns.append(column([](const LayoutMember& member) { return member.offset; }));
    columns.append(column([](const LayoutMember& member) {
        const bool is_bitfield = member.field.bitfield_size != 0;
        return is_bitfield ? member.field.bit_offset - 8 * member.offset : 0;
    }));
    columns.append(column([](const LayoutMember& member) { return member.field.bitfield_size; }));
    columns.append(column([](const LayoutMember& member) { return member.size; }));
    columns.append(column([](const LayoutMember& member) { return member.field.depth; }));
    columns.append(column([](const LayoutMember& member) { return member.hole; }));
    columns.append(column([](const LayoutMember& member) { return member.bit_hole; }));
    return columns;
}

// Returns the fields of a Field in Python with numbers as types, or None if there is no such member. An index
// that is not a number or not of an array is an error.
py::object find_member_(const BtfSizes& sizes, std::int64_t type_id, py::handle path) {
    const Text text(path, "a path");
    const FoundMember found =
        find_member(sizes, composite(sizes, sizes.btf().check_id(type_id)), text.view());
    switch (found.status) {
        case FoundMember::Status::found:
            break;
        case FoundMember::Status::not_array:
        case FoundMember::Status::bad_index:
        case FoundMember::Status::not_pointer:
            throw Error::invalid_argument("an index or arrow is wrong: why_no_member() tells which");
        default:
            return py::none();
    }
    const Field& field = found.field;
    return py::make_tuple(to_str(sizes.btf().strings().at(field.name_off)), found.type, found.bit_offset,
                          field.bitfield_size, field.depth, field.in_union, field.parent, field.number);
}

// Returns why find_member() failed: the reason, the path before the part that failed, the part, and the type
// in which it was searched. A dot, arrow or bracket before the part belongs to neither.
py::tuple why_no_member(const BtfSizes& sizes, std::int64_t type_id, py::handle path) {
    const Text text(path, "a path");
    const FoundMember found =
        find_member(sizes, composite(sizes, sizes.btf().check_id(type_id)), text.view());
    const std::string_view view = text.view();
    return py::make_tuple(to_text(found.status), to_str(view.substr(0, found.before)),
                          to_str(view.substr(found.part_begin, found.part_end - found.part_begin)),
                          found.type);
}

py::list paths_of(const std::vector<MemberAt>& members) {
    py::list paths(members.size());
    for (std::size_t i = 0; i != members.size(); ++i) {
        PyList_SET_ITEM(paths.ptr(), static_cast<py::ssize_t>(i), to_str(members[i].path).release().ptr());
    }
    return paths;
}

py::list at(const BtfSizes& sizes, std::int64_t type_id, const py::object& byte) {
    return paths_of(ByteSearch(sizes, sizes.btf().check_id(type_id)).at(to_integer(byte)));
}

py::list at_each(const BtfSizes& sizes, std::int64_t type_id, const py::object& bytes) {
    ByteSearch search(sizes, sizes.btf().check_id(type_id));
    const std::vector<std::int64_t> wanted = to_integers(bytes);
    std::unordered_map<std::int64_t, py::list> found;  // each distinct byte is looked up once
    py::list all(wanted.size());
    for (std::size_t i = 0; i != wanted.size(); ++i) {
        auto entry = found.find(wanted[i]);
        if (entry == found.end()) {
            entry = found.emplace(wanted[i], paths_of(search.at(wanted[i]))).first;
        }
        PyList_SET_ITEM(all.ptr(), static_cast<py::ssize_t>(i), entry->second.inc_ref().ptr());
    }
    return all;
}

// Returns the path, the type, the bit offset, the bitfield size and the size of each member at a byte.
py::list members_at(const BtfSizes& sizes, std::int64_t type_id, const py::object& byte) {
    py::list rows;
    ByteSearch search(sizes, sizes.btf().check_id(type_id));
    for (const MemberAt& member : search.at(to_integer(byte))) {
        const std::int64_t size = sizes.sizes().size(member.type);
        rows.append(py::make_tuple(to_str(member.path), member.type, member.bit_offset, member.bitfield_size,
                                   size < 0 ? 0 : size));
    }
    return rows;
}

}  // namespace

const char* to_text(FoundMember::Status status) {
    switch (status) {
        case FoundMember::Status::no_member:
            return "no member";
        case FoundMember::Status::not_composite:
            return "not composite";
        case FoundMember::Status::past_end:
            return "past end";
        case FoundMember::Status::not_array:
            return "not array";
        case FoundMember::Status::bad_index:
            return "bad index";
        case FoundMember::Status::not_pointer:
            return "not pointer";
        case FoundMember::Status::found:
            break;
    }
    return "found";
}

void add_fields(py::class_<BtfSizes, std::shared_ptr<BtfSizes>>& sizes) {
    sizes.def("composite", composite_, py::arg("type_id"))
        .def("fields", fields, py::arg("type_id"))
        .def("layout_members", layout_members_, py::arg("type_id"))
        .def("find_member", find_member_, py::arg("type_id"), py::arg("path"))
        .def("why_no_member", why_no_member, py::arg("type_id"), py::arg("path"))
        .def("at", at, py::arg("type_id"), py::arg("offset"))
        .def("at_each", at_each, py::arg("type_id"), py::arg("offsets"))
        .def("members_at", members_at, py::arg("type_id"), py::arg("offset"));
}

}  // namespace btfmmap::bindings
