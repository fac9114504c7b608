#include "bindings/query.hpp"

#include <string>

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

struct Keyword {
    std::string_view word;
    Kind kind, other_kind;
};
constexpr Keyword kKeywords[] = {
    {"struct ", Kind::Struct, Kind::Struct},
    {"union ", Kind::Union, Kind::Union},
    {"enum ", Kind::Enum, Kind::Enum64},
};

std::string_view stripped(std::string_view text) {
    const auto first = text.find_first_not_of(' ');
    return first == std::string_view::npos ? std::string_view()
                                           : text.substr(first, text.find_last_not_of(' ') - first + 1);
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
                              std::to_string(number));
    }
    kinds.reset();
    kinds.set(static_cast<std::size_t>(number));
}

}  // namespace btfmmap::bindings
