#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/btf/btf.hpp"
#include "core/dump/c_limits.hpp"

namespace btfmmap {

// How often each of many names was used: a table with open addressing, of the names themselves.
class NameUses {
public:
    explicit NameUses(CLimits& limits) : limits_(limits) {}

    // Counts one more use; how many there are with it.
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
    std::vector<Entry> entries_;  // none, or a power of two, of which a quarter is free
    std::size_t used_ = 0;
};

// What types are called in C. In a header where a name is taken, the next type of that name gets another
// (x___2), as libbpf's btf_dump does it: tags share their names, and typedefs share theirs with enumerators.
class CNames {
public:
    enum class Conflicts : bool { ignored, numbered };

    CNames(const Btf& btf, CLimits& limits, Conflicts conflicts);

    bool has_name(std::uint32_t id) const { return name_off(id) != 0; }
    std::string_view own(std::uint32_t id) const { return string(name_off(id)); }
    std::string_view tag(std::uint32_t id) { return unique(id, tags_); }
    std::string_view identifier(std::uint32_t id) { return unique(id, identifiers_); }

    // A string by its offset; empty past the strings, where only bytes that changed since they were checked
    // refer to.
    std::string_view string(std::uint32_t offset) const;

    // Which use of its name an enumerator is, from 1.
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

    const Btf& btf_;
    CLimits& limits_;
    Conflicts conflicts_;
    NameUses tags_;
    NameUses identifiers_;
    std::vector<Naming> namings_;
    std::unordered_map<std::uint32_t, std::string> numbered_names_;
};

}  // namespace btfmmap
