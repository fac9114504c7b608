#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/index.hpp"
#include "core/strings.hpp"

namespace btfmmap {

// The order of a BTF whose types are sorted by name, as 7.x kernels have it: names ascend byte by byte, and
// types without one come first, as libbpf's btf_check_sorted wants them. Void's row is no part of it.
class NameOrder {
public:
    // None where names are not sorted, and where they share so much that comparing them would take long.
    static std::optional<NameOrder> of(const Index& index, const Strings& strings);

    // The first row whose name is not less; the number of rows where there is none.
    std::uint32_t lower_bound(std::string_view name) const;

private:
    // The first sixteen bytes of a name, which order as names do.
    using Key = std::pair<std::uint64_t, std::uint64_t>;

    // A bisection waits for memory four times a step: the row's place, its name's place, and the name. So the
    // keys of every some rows are kept together, and most steps are made among those.
    static constexpr std::uint32_t kRowsAKey = 16;

    NameOrder(const Index& index, const Strings& strings) : index_(&index), strings_(&strings) {}

    static Key key_of(const std::byte* name);
    Key key(std::uint32_t row) const;
    bool is_less(std::uint32_t row, std::string_view name) const;

    const Index* index_;
    const Strings* strings_;
    std::vector<Key> keys_;  // of rows first_record(), first_record() + kRowsAKey, ...
};

}  // namespace btfmmap
