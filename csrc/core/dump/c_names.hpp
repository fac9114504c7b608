#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/btf/btf.hpp"
#include "core/dump/c_dialect.hpp"
#include "core/dump/c_limits.hpp"

namespace btfmmap {

// Counts the uses of names in a hash table with open addressing. Refers to the names instead of copying them.
class NameUses {
public:
    explicit NameUses(CLimits& limits) : limits_(limits) {}

    // Counts one more use of a name. Returns the number of its uses, including this one.
    std::size_t add(std::string_view name);

private:
    struct Entry {
        const char* name = nullptr;
        std::uint32_t size = 0;
        std::uint32_t uses = 0;
        std::size_t hash = 0;
    };

    static constexpr std::size_t kInitialSize = 1024;

    Entry& find(std::string_view name, std::size_t hash);
    void grow();

    CLimits& limits_;
    std::vector<Entry> entries_;  // empty, or a power of two in size, with at least a quarter free
    std::size_t used_ = 0;
};

// The names of types in C. In a header, if a name is already used, the next type with that name gets a number
// (x___2), as in libbpf's btf_dump. Tags have one namespace; typedefs and enumerators share another.
class CNames {
public:
    enum class Conflicts : bool { ignored, numbered };

    CNames(const Btf& btf, CLimits& limits, Conflicts conflicts, CDialect dialect);

    bool has_name(std::uint32_t id) const { return name_off(id) != 0; }
    std::string_view own(std::uint32_t id) const { return string(name_off(id)); }
    std::string_view tag(std::uint32_t id) { return unique(id, tags_); }
    std::string_view identifier(std::uint32_t id) { return unique(id, identifiers_); }

    // Returns the name, or one that resembles it if it cannot be declared in a standard dialect. A view of it
    // stays valid.
    std::string_view legal(std::string_view name) { return is_standard(dialect_) ? made_legal(name) : name; }

    // Returns the string at an offset. Returns an empty one past the strings: only bytes that changed after
    // validation contain such an offset.
    std::string_view string(std::uint32_t offset) const;

    // Counts a use of an enumerator's name. Returns the number of its uses, including this one.
    std::size_t count_enumerator(std::string_view name) {
        return conflicts_ == Conflicts::numbered ? identifiers_.add(name) : 1;
    }

private:
    std::uint32_t name_off(std::uint32_t id) const {
        const Index& index = btf_.index().owner(id);
        return index.name_off(id - index.first_id());
    }
    enum class Naming : std::uint8_t { unassigned, original, numbered };

    std::string_view unique(std::uint32_t id, NameUses& uses);
    std::string_view made_legal(std::string_view name);

    const Btf& btf_;
    CLimits& limits_;
    Conflicts conflicts_;
    CDialect dialect_;
    NameUses tags_;
    NameUses identifiers_;
    std::vector<Naming> namings_;
    std::unordered_map<std::uint32_t, std::string> numbered_names_;
    std::unordered_map<std::string_view, std::string> legal_names_;  // of those that are not
};

}  // namespace btfmmap
