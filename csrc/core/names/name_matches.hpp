#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/index/index.hpp"
#include "core/names/names.hpp"
#include "core/names/strings.hpp"
#include "core/names/text_limit.hpp"

namespace btfmmap {

// Appends the IDs of those types of `index` that are of one of `kinds` and whose name matches, ascending. The
// types of its base are left out, and so are types without a name.
//
// `pattern` has the functions can_start(Bytes) and matches(std::string_view) of NamePattern. matches() is
// called once for each distinct name offset. Throws Error (not_supported) if the names exceed the limit.
template <class Pattern>
void append_matches(const Index& index, const Strings& strings, const Kinds& kinds, const Pattern& pattern,
                    TextLimit& limit, std::vector<std::uint32_t>& ids) {
    enum : std::uint8_t { kUnknown, kMatch, kMismatch };
    // By name offset, two bits each: types share names, and strings are much smaller than a hash table of
    // them.
    constexpr std::uint64_t per_byte = 4;
    std::vector<std::uint8_t> known(in_memory(strings.end() / per_byte + 1));
    const auto is_match = [&](std::uint32_t offset, Bytes start) {
        std::uint8_t& four = known[offset / per_byte];
        const unsigned shift = 2 * (offset % per_byte);
        unsigned state = four >> shift & 3U;
        if (state == kUnknown) {
            state = pattern.matches(limit.measure(start)) ? kMatch : kMismatch;
            four = static_cast<std::uint8_t>(four | state << shift);
        }
        return state == kMatch;
    };
    if (index.first_record() != 0 && kinds[0] && pattern.matches(type_name(index, strings, 0))) {
        ids.push_back(0);
    }
    // Rows with a name are selected without a branch, one block at a time.
    constexpr std::size_t block = 256;
    std::uint32_t rows[block + 1];
    std::uint32_t offsets[block + 1];
    std::array<bool, kMaxKinds> wanted;
    for (std::size_t kind = 0; kind != kMaxKinds; ++kind) {
        wanted[kind] = kinds[kind];
    }
    for (std::size_t first = index.first_record(); first < index.rows(); first += block) {
        std::size_t count = 0;
        for (std::size_t row = first; row != std::min(first + block, index.rows()); ++row) {
            rows[count] = static_cast<std::uint32_t>(row);
            offsets[count] = index.name_off(row);
            count += (offsets[count] != 0) & wanted[static_cast<std::size_t>(index.kind(row))];
        }
        for (std::size_t i = 0; i != count; ++i) {
            const Bytes start = strings.checked_rest(offsets[i]);
            if (pattern.can_start(start) && *start.data != std::byte{0} && is_match(offsets[i], start)) {
                ids.push_back(index.id(rows[i]));
            }
        }
    }
}

}  // namespace btfmmap
