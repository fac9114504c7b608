#pragma once

#include <atomic>
#include <bitset>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "core/format/wire_format.hpp"
#include "core/index/index.hpp"
#include "core/names/name_table.hpp"
#include "core/names/strings.hpp"

namespace btfmmap {

using Kinds = std::bitset<kMaxKinds>;

// The name of a type id below the index's end; empty if it has none. Type id 0 is named void, as libbpf's
// btf__find_by_name has it.
std::string_view type_name(const Index& index, const Strings& strings, std::uint32_t type_id);

// From names to the type ids of one index, without its base's. The first few are looked for among all names,
// which costs a fraction of the hash table that comes then. Types sorted by name, as those of 7.x kernels
// are, get one, too: bisecting them would wait for memory at every step, and take twice as long. Refers to
// the index and the strings it was made of. Thread-safe.
class Names {
public:
    Names(const Index& index, const Strings& strings) : index_(index), strings_(strings) {}

    // The lowest id of that name and of one of those kinds.
    std::optional<std::uint32_t> find(std::string_view name, const Kinds& kinds) const;
    // All of them, ascending.
    std::vector<std::uint32_t> find_all(std::string_view name, const Kinds& kinds) const;

    // Whether the next question is answered in well under a microsecond; prepare() sees to it.
    bool prepared() const { return prepared_.load(std::memory_order_acquire); }
    // Builds the hash table unless it was built before.
    void prepare() const;

private:
    // Calls `visit(row)` for rows that may have the name, ascending, until it returns true.
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
    mutable std::once_flag once_;
    mutable std::atomic<bool> prepared_{false};
    mutable std::optional<NameTable> table_;
};

}  // namespace btfmmap
