#include "core/names/name_table.hpp"

#include <algorithm>

namespace btfmmap {

NameTable::NameTable(const Index& index, const Strings& strings) : strings_(&strings) {
    std::uint32_t buckets = 16;
    while (buckets < index.rows()) {
        buckets *= 2;
    }
    mask_ = buckets - 1;
    heads_.reset(new std::uint32_t[buckets]);
    std::fill_n(heads_.get(), buckets, kEnd);
    // Allocates a link per row, although some rows have no name. Pages that stay untouched cost nothing.
    links_.reset(new Link[index.rows()]);

    // Inserts rows from the highest to the lowest, so that each chain ascends. Rows with a name are selected
    // without a branch, one block at a time. Their hashes are computed before the table is accessed, so that
    // hashing does not wait for memory.
    constexpr std::size_t block = 256;
    std::uint32_t rows[block + 1];
    std::uint32_t name_offs[block + 1];
    std::uint32_t hashes[block];
    std::uint32_t link = 0;
    for (std::size_t end = index.rows(); end > index.first_record();) {
        const std::size_t start = std::max(index.first_record(), end - std::min(end, block));
        std::size_t count = 0;
        for (std::size_t row = end; row-- != start;) {
            const std::uint32_t name_off = index.name_off(row);
            rows[count] = static_cast<std::uint32_t>(row);
            name_offs[count] = name_off;
            // Validated again, because the bytes may have changed.
            count += (name_off != 0) & (name_off < strings.end());
        }
        for (std::size_t i = 0; i != count; ++i) {
            hashes[i] = hash_of(strings.rest(name_offs[i]));
        }
        for (std::size_t i = 0; i != count; ++i, ++link) {
            std::uint32_t& head = heads_[hashes[i] & mask_];
            links_[link] = {rows[i], name_offs[i], head};
            head = link;
        }
        end = start;
    }
}

}  // namespace btfmmap
