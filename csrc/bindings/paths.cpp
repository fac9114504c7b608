#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "bindings/fields.hpp"
#include "bindings/integers.hpp"
#include "bindings/register.hpp"
#include "bindings/text.hpp"
#include "core/analysis/member_paths.hpp"
#include "core/paths/type_paths.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

// Returns the existing ones of some IDs, sorted.
std::vector<std::uint32_t> sorted_ids(const Btf& btf, const py::object& ids) {
    std::vector<std::uint32_t> found;
    for (const std::int64_t id : to_integers(ids)) {
        found.push_back(btf.check_id(id));
    }
    std::sort(found.begin(), found.end());
    return found;
}

PathQuery query_of(const Btf& btf, const py::object& targets, std::uint32_t max_pointers, std::size_t limit,
                   bool up, const py::object& avoided,
                   std::vector<std::pair<std::uint32_t, std::uint32_t>> avoided_members) {
    std::sort(avoided_members.begin(), avoided_members.end());
    return {sorted_ids(btf, targets),
            std::min(max_pointers, PathQuery::kMaxPointers),
            limit,
            up,
            sorted_ids(btf, avoided),
            std::move(avoided_members)};
}

// Converts hops to tuples, with the fields of Hop in Python.
py::list to_tuples(const std::vector<PathHop>& hops) {
    py::list tuples(hops.size());
    for (std::size_t i = 0; i != hops.size(); ++i) {
        const PathHop& hop = hops[i];
        tuples[i] = py::make_tuple(static_cast<unsigned>(hop.kind), to_str(hop.name), hop.type,
                                   hop.bit_offset, hop.bitfield_size, hop.in_union, hop.stride, hop.index);
    }
    return tuples;
}

// Returns the hops of each path.
py::list find_paths(const Graph& graph, const BtfSizes& sizes, std::int64_t root, const py::object& targets,
                    std::uint32_t max_pointers, std::size_t limit, bool up, const py::object& avoided,
                    std::vector<std::pair<std::uint32_t, std::uint32_t>> avoided_members) {
    const std::uint32_t root_id = graph.btf().check_id(root);
    PathQuery query =
        query_of(graph.btf(), targets, max_pointers, limit, up, avoided, std::move(avoided_members));
    const std::vector<TypePath> found = [&] {
        const py::gil_scoped_release unlocked;
        return TypePaths(graph, sizes, std::move(query)).paths(root_id);
    }();
    py::list lists(found.size());
    for (std::size_t i = 0; i != found.size(); ++i) {
        lists[i] = to_tuples(found[i].hops);
    }
    return lists;
}

// Returns the function, position and type of each of the closest parameters, and the hops from it.
py::list closest_parameters(const Graph& graph, const BtfSizes& sizes, const py::object& functions,
                            const py::object& targets, std::uint32_t max_pointers, std::size_t limit, bool up,
                            const py::object& avoided,
                            std::vector<std::pair<std::uint32_t, std::uint32_t>> avoided_members) {
    const std::vector<std::uint32_t> ids = sorted_ids(graph.btf(), functions);
    PathQuery query =
        query_of(graph.btf(), targets, max_pointers, limit, up, avoided, std::move(avoided_members));
    std::vector<std::pair<ParameterDistance, TypePath>> found;
    {
        const py::gil_scoped_release unlocked;
        TypePaths search(graph, sizes, std::move(query));
        for (const ParameterDistance& parameter : search.closest_parameters(ids)) {
            if (auto path = search.path_from_value(parameter.type)) {
                found.emplace_back(parameter, std::move(*path));
            }
        }
    }
    py::list rows(found.size());
    for (std::size_t i = 0; i != found.size(); ++i) {
        const auto& [parameter, path] = found[i];
        rows[i] =
            py::make_tuple(parameter.function, parameter.position, parameter.type, to_tuples(path.hops));
    }
    return rows;
}

// Returns the hops of a path in an expression, what it ends at, and for a path that cannot be followed the
// reason, the bounds of the part that failed, and the type in which it was searched.
py::tuple follow(const BtfSizes& sizes, std::int64_t type_id, std::uint32_t pointers, bool at_hand,
                 py::handle path) {
    const Text text(path, "a path");
    const FollowedPath followed =
        follow_path(sizes, {sizes.btf().check_id(type_id), pointers, at_hand}, text.view());
    const FoundMember& found = followed.found;
    const py::tuple end = py::make_tuple(followed.end.type, followed.end.pointers, followed.end.at_hand);
    if (found.status == FoundMember::Status::found) {
        return py::make_tuple(to_tuples(followed.hops), end, py::none());
    }
    // In characters, as in the str.
    const auto position = [&](std::size_t byte) { return py::len(to_str(text.view().substr(0, byte))); };
    return py::make_tuple(
        to_tuples(followed.hops), end,
        py::make_tuple(to_text(found.status), position(found.part_begin), position(found.part_end)));
}

}  // namespace

void register_paths(py::module_& module) {
    module.def("find_paths", find_paths, py::arg("graph"), py::arg("sizes"), py::arg("root"),
               py::arg("targets"), py::arg("max_pointers"), py::arg("limit"), py::arg("up"),
               py::arg("avoided"), py::arg("avoided_members"), "Find the shortest paths between types.");
    module.def("closest_parameters", closest_parameters, py::arg("graph"), py::arg("sizes"),
               py::arg("functions"), py::arg("targets"), py::arg("max_pointers"), py::arg("limit"),
               py::arg("up"), py::arg("avoided"), py::arg("avoided_members"),
               "Find the parameters from which the fewest pointers lead to types.");
    module.def("follow", follow, py::arg("sizes"), py::arg("type_id"), py::arg("pointers"),
               py::arg("at_hand"), py::arg("path"), "Follow a path of members, indices and pointers.");
}

}  // namespace btfmmap::bindings
