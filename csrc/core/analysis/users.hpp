#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/analysis/graph.hpp"
#include "core/btf/btf.hpp"

namespace btfmmap {

// What a search for users considers.
struct UserQuery {
    std::uint32_t roles;  // bit r: whether users of Role r are wanted
    Kinds through;        // the modifiers, PTR and ARRAY that may lie between a type and its user
    bool anonymous;       // whether members of anonymous structs are those of the struct that contains them
};

// One use of a type.
struct User {
    std::uint32_t type;
    Role role;
    std::int32_t position;     // of the member or parameter; -1 for other roles
    std::uint32_t name;        // index into Users::names
    std::uint64_t bit_offset;  // of the member
    std::uint32_t pointers;    // number of pointers between the user and the type
};

// A name, or several that are joined by dots.
struct UserName {
    std::string_view own;
    std::uint32_t inner;  // index of the names that follow a dot; 0 if there are none
};

struct Users {
    std::vector<User> users;
    std::vector<UserName> names;  // the first is empty

    // Appends a name's parts, the outermost first.
    template <class Visit>
    void each_part(std::uint32_t name, Visit visit) const {
        do {
            visit(names[name].own);
            name = names[name].inner;
        } while (name != 0);
    }
};

// Returns the uses of a type, without duplicates, in the order of type, role, position and bit offset.
//
// Throws Error: not_found if there is no such type, format if it lies in too many nested anonymous structs,
// invalid_argument if there are too many users, not_supported if their names have too much text.
Users find_users(const Graph& graph, std::int64_t type_id, const UserQuery& query);

}  // namespace btfmmap
