#include "core/names/string_search.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "core/simd/u8x16.hpp"

// A string's two rarest letters and its NUL are looked for at once, at 64 places: three of them together are
// so rare that what follows is predicted well. This reads a section from its start to its end, which a
// processor does much faster than to go from one type's name to the next.

namespace btfmmap {

namespace {

constexpr std::size_t kAtOnce = 4 * sizeof(U8x16);

// U8x16 of the kernel's names, from the most frequent one on; all others are rarer.
constexpr std::string_view kFrequent = "_etrasiconpldfmubgETkvhxARSyIOPNwCLDFM";

// Where the rarest letter is, but for one place.
std::size_t rarest(std::string_view string, std::size_t but) {
    const auto rank = [&](std::size_t place) {
        return place == but ? 0 : std::min(kFrequent.find(string[place]), kFrequent.size()) + 1;
    };
    std::size_t found = 0;
    for (std::size_t place = 1; place < string.size(); ++place) {
        found = rank(place) > rank(found) ? place : found;
    }
    return found;
}

U8x16 same(char letter) { return U8x16{} + static_cast<std::uint8_t>(letter); }

}  // namespace

std::vector<std::size_t> places_of(std::string_view string, Bytes section, std::size_t most) {
    std::vector<std::size_t> places;
    const std::size_t starts = section.size - std::min(section.size, string.size());  // with room for a NUL
    if (starts == 0) {
        return places;
    }
    const auto look = [&](std::size_t from, std::size_t to) {
        for (std::size_t at = from; at != to && places.size() != most; ++at) {
            const std::byte* start = section.data + at;
            if (start[string.size()] == std::byte{0} &&
                std::memcmp(start, string.data(), string.size()) == 0) {
                places.push_back(at);
            }
        }
    };
    const std::size_t first = rarest(string, string.size());
    const std::size_t second = rarest(string, first);
    const U8x16 first_letter = same(string[first]);
    const U8x16 second_letter = same(string[second]);
    std::size_t at = 0;
    for (; starts - at >= kAtOnce && places.size() != most; at += kAtOnce) {
        U8x16 found = {};
        for (std::size_t part = 0; part != kAtOnce; part += sizeof(U8x16)) {
            const std::byte* start = section.data + at + part;
            found |= lane_mask(load_vector<U8x16>(start + first) == first_letter) &
                     lane_mask(load_vector<U8x16>(start + second) == second_letter) &
                     lane_mask(load_vector<U8x16>(start + string.size()) == 0);
        }
        if (first_marked(found) != sizeof found) {
            look(at, at + kAtOnce);
        }
    }
    look(at, starts);
    return places;
}

}  // namespace btfmmap
