#include "core/names/rows_named.hpp"

namespace btfmmap {

std::vector<std::uint32_t> rows_named(const Strings& strings, const std::uint32_t* offsets, std::size_t rows,
                                      std::string_view name) {
    // Most names differ in the first byte already.
    const auto first = name.empty() ? std::byte{0} : static_cast<std::byte>(name.front());
    const std::uint64_t end = strings.end();
    std::vector<std::uint32_t> found;
    for (std::size_t row = 0; row != rows; ++row) {
        // Validated again, because the bytes may have changed.
        if (offsets[row] < end && *strings.rest(offsets[row]).data == first &&
            strings.equals(offsets[row], name)) {
            found.push_back(static_cast<std::uint32_t>(row));
        }
    }
    return found;
}

}  // namespace btfmmap
