#include "core/string_search.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "core/byte_mask.hpp"

// A string's first letter, its last one and its NUL are looked for at once, at 64 places: three of them
// together are so rare that what follows is predicted well. This reads a section from its start to its end,
// which a processor does much faster than to go from one type's name to the next.

namespace btfmmap {

namespace {

constexpr std::size_t kAtOnce = 4 * sizeof(Letters);

Letters load_letters(const std::byte* from) {
    Letters letters;
    std::memcpy(&letters, from, sizeof letters);
    return letters;
}

class Search {
public:
    Search(std::string_view string, Bytes section) : string_(string), bytes_(section.data) {}

    // Whether the string may stand at one of kAtOnce places.
    bool may_stand(std::size_t at) const {
        const auto first = static_cast<std::uint8_t>(string_.front());
        const auto last = static_cast<std::uint8_t>(string_.back());
        Letters found = {};
        for (std::size_t part = 0; part != kAtOnce; part += sizeof(Letters)) {
            const std::byte* start = bytes_ + at + part;
            const std::byte* end = start + string_.size();
            found |= marked(load_letters(start) == first) & marked(load_letters(end - 1) == last) &
                     marked(load_letters(end) == 0);
        }
        return first_marked(found) != sizeof found;
    }

    bool stands(std::size_t at) const {
        const std::byte* start = bytes_ + at;
        return start[string_.size()] == std::byte{0} &&
               std::memcmp(start, string_.data(), string_.size()) == 0;
    }

private:
    std::string_view string_;
    const std::byte* bytes_;
};

}  // namespace

std::vector<std::size_t> places_of(std::string_view string, Bytes section, std::size_t most) {
    std::vector<std::size_t> places;
    const std::size_t starts = section.size - std::min(section.size, string.size());  // with room for a NUL
    const Search search(string, section);
    const auto look = [&](std::size_t from, std::size_t to) {
        for (std::size_t at = from; at != to && places.size() != most; ++at) {
            if (search.stands(at)) {
                places.push_back(at);
            }
        }
    };
    std::size_t at = 0;
    for (; starts - at >= kAtOnce && places.size() != most; at += kAtOnce) {
        if (search.may_stand(at)) {
            look(at, at + kAtOnce);
        }
    }
    look(at, starts);
    return places;
}

}  // namespace btfmmap
