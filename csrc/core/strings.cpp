#include "core/strings.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "core/error.hpp"

namespace btfmmap {

std::string_view Strings::at(std::int64_t offset) const { return prefix(offset, section_.size); }

std::string_view Strings::prefix(std::int64_t offset, std::size_t most) const {
    if (offset < 0 || static_cast<std::uint64_t>(offset) >= section_.size) {
        throw Error::not_found("no string at offset " + std::to_string(offset) + ": the string section has " +
                               std::to_string(section_.size) + " bytes");
    }
    const auto* start = reinterpret_cast<const char*>(section_.data) + offset;
    return {start, ::strnlen(start, std::min(most, section_.size - static_cast<std::size_t>(offset)))};
}

bool Strings::equals(std::int64_t offset, std::string_view name) const {
    // One byte more than the name, so that a longer string differs.
    return prefix(offset, name.size() + 1) == name;
}

}  // namespace btfmmap
