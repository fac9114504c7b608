#include "core/names/string_search.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "core/simd/u8x16.hpp"

// Searches for a string's two rarest characters and its NUL together, at 64 positions at a time. All three
// match so rarely that the branch on a match is well predicted. The section is read sequentially, which is
// much faster than following the name offset of each type.

namespace btfmmap {

namespace {

constexpr std::size_t kBlockBytes = 4 * sizeof(U8x16);

// The characters of the kernel's names, the most frequent first. All other characters are rarer.
constexpr std::string_view kCharsByFrequency = "_etrasiconpldfmubgETkvhxARSyIOPNwCLDFM";

U8x16 broadcast(char character) { return U8x16{} + static_cast<std::uint8_t>(character); }

}  // namespace

std::size_t rarest_char(std::string_view string, std::size_t excluded) {
    const auto rank = [&](std::size_t position) {
        return position == excluded
                   ? 0
                   : std::min(kCharsByFrequency.find(string[position]), kCharsByFrequency.size()) + 1;
    };
    std::size_t found = 0;
    for (std::size_t position = 1; position < string.size(); ++position) {
        found = rank(position) > rank(found) ? position : found;
    }
    return found;
}

std::vector<std::size_t> find_string(std::string_view string, Bytes section, std::size_t max_count) {
    std::vector<std::size_t> offsets;
    const std::size_t starts =
        section.size - std::min(section.size, string.size());  // leaves space for a NUL
    if (starts == 0) {
        return offsets;
    }
    const auto search_bytewise = [&](std::size_t from, std::size_t to) {
        for (std::size_t at = from; at != to && offsets.size() != max_count; ++at) {
            const std::byte* start = section.data + at;
            if (start[string.size()] == std::byte{0} &&
                std::memcmp(start, string.data(), string.size()) == 0) {
                offsets.push_back(at);
            }
        }
    };
    const std::size_t first = rarest_char(string, string.size());
    const std::size_t second = rarest_char(string, first);
    const U8x16 first_char = broadcast(string[first]);
    const U8x16 second_char = broadcast(string[second]);
    std::size_t at = 0;
    for (; starts - at >= kBlockBytes && offsets.size() != max_count; at += kBlockBytes) {
        U8x16 found = {};
        for (std::size_t part = 0; part != kBlockBytes; part += sizeof(U8x16)) {
            const std::byte* start = section.data + at + part;
            found |= lane_mask(load_vector<U8x16>(start + first) == first_char) &
                     lane_mask(load_vector<U8x16>(start + second) == second_char) &
                     lane_mask(load_vector<U8x16>(start + string.size()) == 0);
        }
        if (first_set_lane(found) != sizeof found) {
            search_bytewise(at, at + kBlockBytes);
        }
    }
    search_bytewise(at, starts);
    return offsets;
}

}  // namespace btfmmap
