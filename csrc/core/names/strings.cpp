#include "core/names/strings.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "core/base/error.hpp"
#include "core/names/string_search.hpp"

namespace btfmmap {

std::string_view Strings::at(std::int64_t offset) const { return prefix(offset, SIZE_MAX); }

void Strings::throw_missing(std::int64_t offset) const {
    throw Error::not_found("no string at offset " + std::to_string(offset) +
                           (base_ == nullptr ? ": the string section has "
                                             : ": the string sections of base and split BTF have ") +
                           std::to_string(end()) + " bytes");
}

std::string_view Strings::prefix(std::int64_t offset, std::size_t max_size) const {
    const Bytes bytes = checked_rest(offset);
    const auto* start = reinterpret_cast<const char*>(bytes.data);
    return {start, ::strnlen(start, std::min(max_size, bytes.size))};
}

bool Strings::equals(std::int64_t offset, std::string_view name) const {
    const Bytes bytes = checked_rest(offset);
    if (bytes.size < name.size() || std::memcmp(bytes.data, name.data(), name.size()) != 0) {
        return false;
    }
    // The string must end where the name does, and not before.
    return (bytes.size == name.size() || bytes.data[name.size()] == std::byte{0}) &&
           name.find('\0') == std::string_view::npos;
}

std::vector<std::uint64_t> Strings::find_offsets(std::string_view name, std::size_t max_count) const {
    std::vector<std::uint64_t> offsets;
    for (const Strings* owner = this; owner != nullptr; owner = owner->base_) {
        for (const std::size_t offset : find_string(name, owner->section_, max_count - offsets.size())) {
            offsets.push_back(owner->start_ + offset);
        }
    }
    return offsets;
}

}  // namespace btfmmap
