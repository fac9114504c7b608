#include "core/tables/record_table.hpp"

#include <algorithm>

#include "core/tables/record_columns.hpp"

namespace btfmmap {

void RecordTable::build(const TableKind& kind, const Index& index, Arena& arena, Columns wanted) {
    // A bit that no column has says that the names and the number of rows are set.
    constexpr Columns begun = kAll + 1;
    wanted |= begun;
    if ((built_.load(std::memory_order_acquire) & wanted) == wanted) {
        return;
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    const Columns built = built_.load(std::memory_order_relaxed);
    const std::size_t count = column_count(kind);
    if ((built & begun) == 0) {
        for (std::size_t i = 0; i != count; ++i) {
            columns_[i].name = kind.columns[i];
        }
    }
    if (column_number(kind, "indptr") == 0) {
        wanted |= 1;
    }
    const Columns existing = (Columns{1} << count) - 1;
    RecordColumns missing(arena, columns_.data(), count, wanted & ~built & existing);
    kind.prepare(index, missing);
    if (missing.any_missing()) {
        kind.fill(index, missing);
    }
    if ((built & begun) == 0) {
        rows_ = missing.rows();
    }
    built_.store(built | wanted, std::memory_order_release);
}

const Column& RecordTable::column(std::string_view name) const {
    return *std::find_if(columns_.begin(), columns_.end(), [name](const Column& each) {
        return each.name != nullptr && std::string_view(each.name) == name;
    });
}

std::vector<Column> RecordTable::columns() const {
    const auto* const end = std::find_if(columns_.begin(), columns_.end(),
                                         [](const Column& each) { return each.name == nullptr; });
    return {columns_.begin(), end};
}

}  // namespace btfmmap
