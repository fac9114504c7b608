#include "core/core_relo/essential_name.hpp"

#include <algorithm>
#include <cstring>

namespace btfmmap::core_relo {

std::size_t essential_size(std::string_view name) {
    constexpr std::size_t pattern = kSeparatorSize + 2;  // with a character on each side
    for (std::size_t end = name.size(); end >= pattern; --end) {
        const char* at = name.data() + end - pattern;
        if (at[0] != '_' && at[1] == '_' && at[2] == '_' && at[3] == '_' && at[4] != '_') {
            return end - pattern + 1;
        }
    }
    return name.size();
}

namespace {

bool starts_with(Bytes bytes, std::string_view name) {
    return name.empty() ||
           (bytes.size >= name.size() && std::memcmp(bytes.data, name.data(), name.size()) == 0);
}

}  // namespace

bool has_name(const Strings& strings, std::uint32_t offset, std::string_view name) {
    if (offset >= strings.end()) {
        return false;
    }
    const Bytes bytes = strings.rest(offset);
    return bytes.size > name.size() && starts_with(bytes, name) && bytes.data[name.size()] == std::byte{0};
}

std::string_view name_at(const Strings& strings, std::uint32_t offset) {
    return offset < strings.end() ? strings.prefix(offset, kMaxNameSize + 1) : std::string_view();
}

bool has_essential_name(const Strings& strings, std::uint32_t offset, std::string_view wanted) {
    if (offset >= strings.end()) {
        return false;
    }
    const Bytes bytes = strings.rest(offset);
    if (!starts_with(bytes, wanted)) {
        return false;
    }
    const auto* start = reinterpret_cast<const char*>(bytes.data);
    const std::size_t size = ::strnlen(start, std::min(kMaxNameSize + 1, bytes.size));
    return size <= kMaxNameSize && essential_size({start, size}) == wanted.size();
}

}  // namespace btfmmap::core_relo
