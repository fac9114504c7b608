#include "core/tables/table.hpp"

#include <algorithm>

namespace btfmmap {

const Column& Table::column(std::string_view name) const {
    return *std::find_if(columns_.begin(), columns_.end(),
                         [name](const Column& each) { return std::string_view(each.name) == name; });
}

}  // namespace btfmmap
