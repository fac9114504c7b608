#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "core/index/index.hpp"
#include "core/names/name_hash.hpp"
#include "core/names/strings.hpp"

namespace btfmmap {

// A hash table from names to the rows that have them: chains of rows, each ascending. Rows without a name,
// void's among them, are not in it.
class NameTable {
public:
    NameTable(const Index& index, const Strings& strings);

    // Calls `visit(row)` for the rows of that name, ascending, until it returns true.
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

    // The name's place stands here, too: to find it by the row would wait for memory two times more.
    struct Link {
        std::uint32_t row;
        std::uint32_t name_off;  // below the strings' end
        std::uint32_t next;      // of the same bucket, or kEnd
    };

    const Strings* strings_;
    std::uint32_t mask_;
    std::unique_ptr<std::uint32_t[]> heads_;  // bucket -> the link of its lowest row, or kEnd
    std::unique_ptr<Link[]> links_;
};

}  // namespace btfmmap
