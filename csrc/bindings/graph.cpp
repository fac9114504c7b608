#include "core/graph.hpp"

#include <pybind11/pybind11.h>

#include <cstring>
#include <memory>
#include <string>

#include "bindings/integers.hpp"
#include "bindings/register.hpp"
#include "bindings/view.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

using GraphPtr = std::shared_ptr<Graph>;

GraphPtr build(const std::shared_ptr<Btf>& btf) {
    const py::gil_scoped_release unlocked;
    return std::make_shared<Graph>(*btf);
}

const Edges& edges_of(const Graph& graph, bool reverse) {
    return reverse ? graph.reverse() : graph.forward();
}

py::dict edges(const GraphPtr& graph, bool reverse) {
    const Edges& edges = edges_of(*graph, reverse);
    py::dict columns;
    columns["indptr"] = View{graph, edges.indptr, edges.nodes + 1, sizeof(std::uint32_t), "I"};
    columns["indices"] = View{graph, edges.indices, edges.edges, sizeof(std::uint32_t), "I"};
    columns["role"] = View{graph, edges.role, edges.edges, sizeof(std::uint8_t), "B"};
    columns["row"] = View{graph, edges.row, edges.edges, sizeof(std::uint32_t), "I"};
    return columns;
}

View reachable(const Graph& graph, const py::object& ids, bool reverse) {
    const auto from = to_integers(ids);
    const py::gil_scoped_release unlocked;
    return view_of(Graph::reachable(edges_of(graph, reverse), from), "I");
}

}  // namespace

void register_graph(py::module_& module) {
    py::class_<Graph, GraphPtr>(module, "Graph", "The references between types, both ways.")
        .def(py::init(&build), py::arg("btf"))
        .def("edges", edges, py::arg("reverse"))
        .def("reachable", reachable, py::arg("ids"), py::arg("reverse"));
}

}  // namespace btfmmap::bindings
