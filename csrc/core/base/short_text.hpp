#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace btfmmap {

// A short text that is copied as an array of constant size. Its length need not be known at compile time.
struct ShortText {
    char chars[16];
    std::uint8_t size;

    template <std::size_t length>
    constexpr ShortText(const char (&text)[length]) : chars{}, size(length - 1) {
        static_assert(length <= sizeof chars);
        for (std::size_t i = 0; i + 1 < length; ++i) {
            chars[i] = text[i];
        }
    }

    constexpr std::string_view view() const { return {chars, size}; }
};

}  // namespace btfmmap
