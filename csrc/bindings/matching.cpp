#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "bindings/query.hpp"
#include "bindings/register.hpp"
#include "bindings/text.hpp"
#include "core/btf/btf.hpp"
#include "core/names/name_matches.hpp"
#include "core/names/name_pattern.hpp"
#include "core/names/plain_text.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

// Returns the matching types of a BTF and its bases.
template <class Pattern>
std::vector<std::uint32_t> matches(const Btf& btf, const Kinds& kinds, const Pattern& pattern) {
    std::vector<std::uint32_t> ids;
    TextLimit limit;
    for (const Btf* level : btf.levels()) {
        append_matches(level->index(), level->strings(), kinds, pattern, limit, ids);
    }
    return ids;
}

std::vector<std::uint32_t> match_glob(const Btf& btf, py::handle asked, const py::object& kind) {
    const Text text(asked, "a pattern");
    const Query query(text.view(), to_kind(kind));
    const py::gil_scoped_release unlocked;
    return matches(btf, query.kinds, NamePattern::glob(query.name));
}

// A regular expression, and sequences of tokens. Each name that it matches has to match one of these. They
// describe plain names only: ASCII without a newline. Other names are left to the regular expression.
class Expression {
public:
    // A sequence is a list of str and None: the characters that may follow, and a gap. If `exact`, all plain
    // names that match one of the sequences match the expression.
    Expression(py::object search, const py::list& sequences, bool exact)
        : search_(std::move(search)), exact_(exact) {
        for (const py::handle sequence : sequences) {
            NamePattern::Tokens tokens;
            for (const py::handle token : sequence) {
                tokens.push_back(token.is_none() ? std::nullopt : std::optional(ascii_set(token)));
            }
            patterns_.emplace_back(tokens);
        }
    }

    bool can_start(Bytes) const { return true; }

    bool matches(std::string_view name) const {
        if (!is_ascii_without<'\n'>(name)) {
            return search(name);
        }
        const bool found = std::any_of(patterns_.begin(), patterns_.end(),
                                       [name](const NamePattern& each) { return each.matches(name); });
        return found && (exact_ || search(name));
    }

private:
    static CharSet ascii_set(py::handle characters) {
        const Text text(characters);
        if (text.view().size() == 1) {
            return CharSet::of(static_cast<std::uint8_t>(text.view()[0]), text.view());
        }
        CharSet set;
        for (const char character : text.view()) {
            set.add(static_cast<std::uint8_t>(character), static_cast<std::uint8_t>(character));
        }
        return set;
    }

    bool search(std::string_view name) const {
        const auto found = py::reinterpret_steal<py::object>(
            PyObject_CallFunctionObjArgs(search_.ptr(), to_str(name).ptr(), nullptr));
        if (!found) {
            throw py::error_already_set();
        }
        return !found.is_none();
    }

    py::object search_;
    std::vector<NamePattern> patterns_;
    bool exact_;
};

std::vector<std::uint32_t> match_expression(const Btf& btf, const py::object& search,
                                            const py::list& sequences, bool exact,
                                            const std::optional<std::vector<std::uint32_t>>& kinds) {
    Kinds wanted;
    if (kinds) {
        for (const std::uint32_t kind : *kinds) {
            wanted.set(kind);
        }
    } else {
        wanted.set();
    }
    return matches(btf, wanted, Expression(search, sequences, exact));
}

}  // namespace

void register_matching(py::module_& module) {
    module.def("match_glob", match_glob, py::arg("btf"), py::arg("pattern"), py::arg("kind"),
               "Return the IDs of the types whose name matches a glob.");
    module.def("match_expression", match_expression, py::arg("btf"), py::arg("search"), py::arg("sequences"),
               py::arg("exact"), py::arg("kinds"),
               "Return the IDs of the types whose name matches a regular expression.");
}

}  // namespace btfmmap::bindings
