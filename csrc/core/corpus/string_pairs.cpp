#include "core/corpus/string_pairs.hpp"

#include <algorithm>
#include <cstring>

namespace btfmmap::corpus {

namespace {

using std::size_t;
using std::uint32_t;

// Returns how many bytes at the start are equal, at most `size`.
size_t equal_bytes(const std::byte* one, const std::byte* other, size_t size) {
    constexpr size_t step = 256;
    size_t at = 0;
    while (size - at >= step && std::memcmp(one + at, other + at, step) == 0) {
        at += step;
    }
    while (at != size && one[at] == other[at]) {
        ++at;
    }
    return at;
}

}  // namespace

StringPairs::StringPairs(Bytes now, Bytes before)
    : now_(now), before_(before), moved_(now.size / kBlock, kUnknown) {
    size_t at = 0, at_before = 0;
    do {
        size_t same = equal_bytes(now.data + at, before.data + at_before,
                                  std::min(now.size - at, before.size - at_before));
        // Up to the end of the last string that is equal.
        while (same != 0 && now.data[at + same - 1] != std::byte{0}) {
            --same;
        }
        set(at, at + same, at_before);
        at += same;
        at_before += same;
    } while (skip(at, at_before));
}

// Notes that the strings from one offset to another are equal to those at an offset before.
void StringPairs::set(size_t now, size_t end, size_t before) {
    const auto moved = static_cast<uint32_t>(before - now);
    for (size_t block = (now + kBlock - 1) / kBlock; (block + 1) * kBlock <= end; ++block) {
        moved_[block] = moved;
    }
}

// Returns where the next strings start, at most 64.
std::vector<size_t> StringPairs::starts(Bytes section, size_t at) {
    constexpr size_t ahead = 64;
    std::vector<size_t> found;
    while (at < section.size && found.size() != ahead) {
        found.push_back(at);
        const Bytes rest = section.from(at);
        const void* const end = std::memchr(rest.data, 0, rest.size);
        at = end == nullptr ? section.size
                            : static_cast<size_t>(static_cast<const std::byte*>(end) - section.data) + 1;
    }
    return found;
}

// Advances both offsets to strings that are equal. Returns false if there are none nearby.
bool StringPairs::skip(size_t& now, size_t& before) {
    constexpr size_t least = 4;  // bytes; shorter ones are too often equal by chance
    const std::vector<size_t> here = starts(now_, now), there = starts(before_, before);
    for (size_t i = 0; i != here.size() && left_ != 0; ++i) {
        const size_t size = (i + 1 == here.size() ? now_.size : here[i + 1]) - here[i];
        for (size_t j = 0; j != there.size() && size > least; ++j) {
            if (compare(here[i], there[j])) {
                now = here[i];
                before = there[j];
                return true;
            }
        }
    }
    return false;
}

bool StringPairs::compare(size_t now, size_t before) const {
    constexpr size_t step = 8;  // as many bytes as a call costs
    if (now >= now_.size || before >= before_.size || left_ <= step) {
        return false;
    }
    left_ -= step;
    const size_t size = std::min({now_.size - now, before_.size - before, left_});
    size_t at = 0;
    while (at != size && now_.data[now + at] == before_.data[before + at]) {
        if (now_.data[now + at] == std::byte{0}) {
            left_ -= at;
            return true;
        }
        ++at;
    }
    left_ -= at;
    return false;
}

}  // namespace btfmmap::corpus
