#include "core/names/query.hpp"

#include <string>

#include "core/base/error.hpp"
#include "core/format/kind_text.hpp"

namespace btfmmap {

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

}  // namespace

Query::Query(std::string_view text, std::optional<std::int64_t> kind) : name(text) {
    for (const Keyword& keyword : kKeywords) {
        if (text.substr(0, keyword.word.size()) == keyword.word) {
            name = stripped(text.substr(keyword.word.size()));
            kinds.set(static_cast<std::size_t>(keyword.kind))
                .set(static_cast<std::size_t>(keyword.other_kind));
            break;
        }
    }
    if (!kind) {
        if (kinds.none()) {
            kinds.set();
        }
        return;
    }
    if (*kind < 0 || *kind >= static_cast<std::int64_t>(kMaxKinds)) {
        throw Error::invalid_argument("kind is " + std::to_string(*kind) + ", must be below " +
                                      std::to_string(kMaxKinds));
    }
    const auto number = static_cast<std::size_t>(*kind);
    if (kinds.any() && !kinds[number]) {
        throw Error::invalid_argument("'" + std::string(text) + "' says " +
                                      std::string(text.substr(0, text.find(' '))) + ", but kind is " +
                                      kind_name(static_cast<Kind>(number)));
    }
    kinds.reset();
    kinds.set(number);
}

}  // namespace btfmmap
