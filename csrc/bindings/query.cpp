#include "bindings/query.hpp"

#include <pybind11/stl.h>

#include <optional>
#include <string>
#include <utility>

#include "bindings/kind_name.hpp"
#include "bindings/register.hpp"
#include "bindings/text.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

struct Keyword {
    std::string_view word;
    Kind kind, other_kind;
};
constexpr Keyword kKeywords[] = {
    {"struct ", Kind::Struct, Kind::Struct},    {"union ", Kind::Union, Kind::Union},
    {"enum ", Kind::Enum, Kind::Enum64},        {"func ", Kind::Func, Kind::Func},
    {"typedef ", Kind::Typedef, Kind::Typedef}, {"var ", Kind::Var, Kind::Var},
};

std::string_view stripped(std::string_view text) {
    const auto first = text.find_first_not_of(' ');
    return first == std::string_view::npos ? std::string_view()
                                           : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::pair<py::str, std::optional<py::tuple>> parse_query(const py::str& asked, const py::object& kind) {
    const Text text(asked);
    const Query query(text.view(), kind);
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

Query::Query(std::string_view text, const py::object& kind) : name(text) {
    for (const Keyword& keyword : kKeywords) {
        if (text.substr(0, keyword.word.size()) == keyword.word) {
            name = stripped(text.substr(keyword.word.size()));
            kinds.set(static_cast<std::size_t>(keyword.kind))
                .set(static_cast<std::size_t>(keyword.other_kind));
            break;
        }
    }
    if (kind.is_none()) {
        if (kinds.none()) {
            kinds.set();
        }
        return;
    }
    if (PyIndex_Check(kind.ptr()) == 0) {
        throw py::type_error("kind is " + std::string(py::repr(kind)) + ", must be a Kind or its number");
    }
    const auto number = py::cast<py::ssize_t>(py::int_(kind));
    if (number < 0 || number >= static_cast<py::ssize_t>(kMaxKinds)) {
        throw py::value_error("kind is " + std::to_string(number) + ", must be below " +
                              std::to_string(kMaxKinds));
    }
    const bool agreed = kinds.none() || kinds[static_cast<std::size_t>(number)];
    if (!agreed) {
        throw py::value_error("'" + std::string(text) + "' says " +
                              std::string(text.substr(0, text.find(' '))) + ", but kind is " +
                              kind_name(static_cast<Kind>(number)));
    }
    kinds.reset();
    kinds.set(static_cast<std::size_t>(number));
}

void register_query(py::module_& module) {
    module.def(
        "parse_query", parse_query, py::arg("text"), py::arg("kind"),
        "The bare name in a text such as \"struct x\", and the numbers of the kinds that it and `kind` "
        "allow; None for any kind.");
}

}  // namespace btfmmap::bindings
