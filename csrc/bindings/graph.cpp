#include "core/analysis/graph.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <utility>

#include "bindings/integers.hpp"
#include "bindings/register.hpp"
#include "bindings/users.hpp"
#include "bindings/view.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

// A graph with the BTF that it refers to.
struct OwningGraph {
    explicit OwningGraph(std::shared_ptr<const Btf> owned) : btf(std::move(owned)), graph(*btf) {}

    std::shared_ptr<const Btf> btf;
    Graph graph;
};

using GraphPtr = std::shared_ptr<Graph>;

GraphPtr build(const std::shared_ptr<Btf>& btf) {
    const py::gil_scoped_release unlocked;
    const auto held = std::make_shared<OwningGraph>(btf);
    return {held, &held->graph};
}

const Edges& edges_of(const Graph& graph, bool reverse) {
    return reverse ? graph.reverse() : graph.forward();
}

py::tuple edges(const GraphPtr& graph, bool reverse) {
    const Edges& edges = [&]() -> const Edges& {
        const py::gil_scoped_release unlocked;
        return edges_of(*graph, reverse);
    }();
    return py::make_tuple(View{graph, edges.indptr, edges.nodes + 1, sizeof(std::uint32_t), "I"},
                          View{graph, edges.indices, edges.edges, sizeof(std::uint32_t), "I"});
}

py::tuple labels(const GraphPtr& graph, bool reverse) {
    const Labels& labels = [&]() -> const Labels& {
        const py::gil_scoped_release unlocked;
        return reverse ? graph->reverse_labels() : graph->forward_labels();
    }();
    const std::size_t edges = graph->forward().edges;
    return py::make_tuple(View{graph, labels.role, edges, sizeof(std::uint8_t), "B"},
                          View{graph, labels.row, edges, sizeof(std::uint32_t), "I"});
}

View reachable(const Graph& graph, const py::object& ids, bool reverse) {
    const auto from = to_integers(ids);
    const py::gil_scoped_release unlocked;
    return view_of(Graph::reachable(edges_of(graph, reverse), from), "I");
}

}  // namespace

void register_graph(py::module_& module) {
    py::class_<Graph, GraphPtr>(module, "Graph", "The references between types, in both directions.")
        .def(py::init(&build), py::arg("btf"))
        .def("edges", edges, py::arg("reverse"))
        .def("labels", labels, py::arg("reverse"))
        .def("reachable", reachable, py::arg("ids"), py::arg("reverse"))
        .def("users", users, py::arg("type_id"), py::arg("roles"), py::arg("through"), py::arg("anonymous"));
}

}  // namespace btfmmap::bindings
