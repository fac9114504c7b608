#pragma once

#include <atomic>
#include <bitset>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/lazy.hpp"
#include "core/format/wire_format.hpp"
#include "core/index/index.hpp"
#include "core/names/name_table.hpp"
#include "core/names/strings.hpp"

namespace btfmmap {

using Kinds = std::bitset<kMaxKinds>;

// Returns the name of a type, or an empty string if it has none. The type ID must be below the index's
// end_id(). Type ID 0 is named void, as in libbpf's btf__find_by_name.
std::string_view type_name(const Index& index, const Strings& strings, std::uint32_t type_id);
// Returns the bytes from the start of the name to the end of its string section. Does not search for the NUL.
Bytes type_name_start(const Index& index, const Strings& strings, std::uint32_t type_id);

// Finds type IDs of one index by name; those of its base are not included. The first few queries each
// scan all names, at a fraction of the cost of building a hash table. The next query builds the table.
//
// Types sorted by name, as in 7.x kernels, get a hash table too: bisection would wait for memory at each
// step, and take twice as long. The index and the strings must outlive this object. Thread-safe.
class Names {
public:
    Names(const Index& index, const Strings& strings) : index_(index), strings_(strings) {}

    // Returns the lowest ID with that name and one of those kinds.
    std::optional<std::uint32_t> find(std::string_view name, const Kinds& kinds) const;
    // Returns all such IDs, ascending.
    std::vector<std::uint32_t> find_all(std::string_view name, const Kinds& kinds) const;

    // Whether the hash table was built, so that a query takes well under a microsecond.
    bool prepared() const { return table_.is_built(); }
    // Builds the hash table unless it was built before.
    void prepare() const { table(); }

private:
    const NameTable& table() const;
    // Calls `visit(row)` for the rows with that name, in ascending order, until it returns true.
    template <class Visit>
    void each_match(std::string_view name, Visit visit) const;
    template <class Visit>
    void scan(std::string_view name, Visit visit) const;
    template <class Visit>
    bool scan_names(std::string_view name, std::size_t first, std::size_t end, Visit visit) const;
    template <class Load, class Visit>
    void scan_offsets(std::string_view name, const std::vector<std::uint64_t>& offsets, std::size_t first,
                      Visit visit) const;
    bool has_name(std::uint32_t row, std::string_view name) const;

    const Index& index_;
    const Strings& strings_;
    mutable std::atomic<int> scans_left_{4};
    Lazy<NameTable> table_;
};

}  // namespace btfmmap
