#include "bindings/query.hpp"

#include <pybind11/stl.h>

#include <string>
#include <utility>

#include "bindings/register.hpp"
#include "bindings/text.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

std::optional<std::int64_t> to_kind(const py::object& kind) {
    if (kind.is_none()) {
        return std::nullopt;
    }
    if (PyIndex_Check(kind.ptr()) == 0) {
        throw py::type_error("kind is " + std::string(py::repr(kind)) + ", must be a Kind or its number");
    }
    return py::cast<std::int64_t>(py::int_(kind));
}

namespace {

std::pair<py::str, std::optional<py::tuple>> parse_query(py::handle asked, const py::object& kind) {
    const Text text(asked);
    const Query query(text.view(), to_kind(kind));
    if (query.kinds.all()) {
        return {to_str(query.name), std::nullopt};
    }
    py::list numbers;
    for (std::size_t number = 0; number != kMaxKinds; ++number) {
        if (query.kinds[number]) {
            numbers.append(number);
        }
    }
    return {to_str(query.name), py::tuple(numbers)};
}

}  // namespace

void register_query(py::module_& module) {
    module.def(
        "parse_query", parse_query, py::arg("text"), py::arg("kind"),
        "Return the name in a text such as \"struct x\", and the numbers of the kinds that the text and "
        "`kind` allow; None for any kind.");
}

}  // namespace btfmmap::bindings
