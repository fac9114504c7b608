#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace btfmmap {

// Sorts stably by bottom-up merging. Stays within the array even if comparisons are inconsistent: names may
// lie in bytes that change during the sort, and std::sort could then run past the array's end.
template <class Item, class Before>
void merge_sort(std::vector<Item>& items, Before before) {
    if (std::is_sorted(items.begin(), items.end(), before)) {
        return;  // the usual case, which needs no memory
    }
    std::vector<Item> merged(items);  // items need no default constructor
    for (std::size_t run = 1; run < items.size(); run *= 2) {
        for (std::size_t start = 0; start < items.size(); start += 2 * run) {
            const auto iterator_at = [&](std::size_t index) {
                return items.begin() + static_cast<std::ptrdiff_t>(std::min(index, items.size()));
            };
            const auto middle = iterator_at(start + run), end = iterator_at(start + 2 * run);
            const auto to = merged.begin() + static_cast<std::ptrdiff_t>(start);
            if (middle == end || !before(*middle, *(middle - 1))) {
                std::copy(iterator_at(start), end, to);
            } else {
                std::merge(iterator_at(start), middle, middle, end, to, before);
            }
        }
        items.swap(merged);
    }
}

}  // namespace btfmmap
