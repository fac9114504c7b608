#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "core/index/index.hpp"
#include "core/names/name_hash.hpp"
#include "core/names/strings.hpp"

namespace btfmmap {

// Hash table with chaining, from names to the rows that have them. Each chain is in ascending order of rows.
// Rows without a name, such as that of void, are left out.
class NameTable {
public:
    NameTable(const Index& index, const Strings& strings);

    // Calls `visit(row)` for the rows with that name, in ascending order, until it returns true.
    template <class Visit>
    void each(std::string_view name, Visit visit) const {
        for (std::uint32_t link = heads_[hash_of(name) & mask_]; link != kEnd; link = links_[link].next) {
            if (strings_->equals(links_[link].name_off, name) && visit(links_[link].row)) {
                return;
            }
        }
    }

private:
    static constexpr std::uint32_t kEnd = UINT32_MAX;

    // Contains the name's offset as well: reading it from the record would wait for memory two more times.
    struct Link {
        std::uint32_t row;
        std::uint32_t name_off;  // below the strings' end
        std::uint32_t next;      // the next link of the same bucket, or kEnd
    };

    const Strings* strings_;
    std::uint32_t mask_;
    std::unique_ptr<std::uint32_t[]> heads_;  // bucket -> the link of its lowest row, or kEnd
    std::unique_ptr<Link[]> links_;
};

}  // namespace btfmmap
