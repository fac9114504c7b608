#include "bindings/users.hpp"

#include <string>
#include <string_view>
#include <utility>

#include "bindings/text.hpp"
#include "core/analysis/users.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

py::str name_of(const Users& users, std::uint32_t name) {
    std::string joined;
    users.each_part(name, [&joined](std::string_view part) {
        if (!joined.empty()) {
            joined += '.';
        }
        joined += part;
    });
    return to_str(joined);
}

// Returns a list of `convert(user)`.
template <class Convert>
py::list list_of(const Users& users, Convert convert) {
    py::list list(users.users.size());
    py::ssize_t next = 0;
    for (const User& user : users.users) {
        PyList_SET_ITEM(list.ptr(), next++, py::object(convert(user)).release().ptr());
    }
    return list;
}

}  // namespace

py::tuple users(const Graph& graph, std::int64_t type_id, const std::vector<std::uint8_t>& roles,
                const std::vector<std::uint8_t>& through, bool anonymous) {
    UserQuery query{0, {}, anonymous};
    for (const std::uint8_t role : roles) {
        query.roles |= std::uint32_t{1} << role;
    }
    for (const std::uint8_t kind : through) {
        query.through.set(kind);
    }
    const Users found = [&] {
        const py::gil_scoped_release unlocked;
        return find_users(graph, type_id, query);
    }();
    // Users share the str of a name.
    std::vector<py::object> names(found.names.size());
    const auto name = [&](const User& user) {
        py::object& text = names[user.name];
        if (!text) {
            text = name_of(found, user.name);
        }
        return text;
    };
    return py::make_tuple(
        list_of(found, [](const User& user) { return py::int_(user.type); }),
        list_of(found, [](const User& user) { return py::int_(static_cast<unsigned>(user.role)); }),
        list_of(found, [](const User& user) { return py::int_(user.position); }), list_of(found, name),
        list_of(found, [](const User& user) { return py::int_(user.bit_offset); }),
        list_of(found, [](const User& user) { return py::int_(user.pointers); }));
}

}  // namespace btfmmap::bindings
