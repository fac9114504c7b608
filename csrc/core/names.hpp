#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/format.hpp"
#include "core/index.hpp"
#include "core/strings.hpp"

namespace btfmmap {

using Kinds = std::bitset<kMaxKinds>;

// The name of a type id below the index's end; empty if it has none. Type id 0 is named void, as libbpf's
// btf__find_by_name has it.
std::string_view type_name(const Index& index, const Strings& strings, std::uint32_t type_id);

// From names to the type ids of one index, without its base's. Where the types are sorted by name, as those
// of 7.x kernels are, by bisection; else by a hash table of chains of rows, each ascending. Refers to the
// index and the strings it was made of.
class Names {
public:
    Names(const Index& index, const Strings& strings);

    bool sorted() const { return heads_ == nullptr; }

    // The lowest id of that name and of one of those kinds.
    std::optional<std::uint32_t> find(std::string_view name, const Kinds& kinds) const;
    // All of them, ascending.
    std::vector<std::uint32_t> find_all(std::string_view name, const Kinds& kinds) const;

private:
    static constexpr std::uint32_t kEnd = UINT32_MAX;

    bool is_sorted() const;
    void build_table();

    // Calls `visit(row)` for rows that may have the name, ascending, until it returns true.
    template <class Visit>
    void each_candidate(std::string_view name, Visit visit) const;
    std::uint32_t lower_bound(std::string_view name) const;
    bool matches(std::uint32_t row, std::string_view name, const Kinds& kinds) const;

    const Index& index_;
    const Strings& strings_;
    std::uint32_t mask_ = 0;
    std::unique_ptr<std::uint32_t[]> heads_;  // bucket -> its lowest row, or kEnd
    std::unique_ptr<std::uint32_t[]> next_;   // row -> the next one of its bucket, or kEnd
};

}  // namespace btfmmap
