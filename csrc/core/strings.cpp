#include "core/strings.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "core/error.hpp"

namespace btfmmap {

std::string_view Strings::at(std::int64_t offset) const { return prefix(offset, SIZE_MAX); }

std::string_view Strings::prefix(std::int64_t offset, std::size_t most) const {
    if (offset < 0 || static_cast<std::uint64_t>(offset) >= end()) {
        throw Error::not_found("no string at offset " + std::to_string(offset) +
                               (base_ == nullptr ? ": the string section has "
                                                 : ": the string sections of base and split BTF have ") +
                               std::to_string(end()) + " bytes");
    }
    const Bytes bytes = rest(static_cast<std::uint64_t>(offset));
    const auto* start = reinterpret_cast<const char*>(bytes.data);
    return {start, ::strnlen(start, std::min(most, bytes.size))};
}

bool Strings::equals(std::int64_t offset, std::string_view name) const {
    // One byte more than the name, so that a longer string differs.
    return prefix(offset, name.size() + 1) == name;
}

}  // namespace btfmmap
