#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "core/base/bytes.hpp"
#include "core/base/error.hpp"

namespace btfmmap {

// Measures many strings, up to a limit of their total size. A small file can have many names that start at
// different bytes of one long string.
class TextLimit {
public:
    static constexpr std::uint64_t kMaxText = std::uint64_t{1} << 30;

    // Returns the string at the start of `start`, up to a NUL or the end. Throws Error (not_supported) if all
    // strings together exceed kMaxText bytes.
    std::string_view measure(Bytes start) {
        const auto* text = reinterpret_cast<const char*>(start.data);
        const std::string_view measured(text, ::strnlen(text, start.size));
        ++strings_;
        size_ += measured.size();
        if (size_ > kMaxText) {
            throw Error::not_supported("more than 1 GiB of text (" + std::to_string(strings_) +
                                       " different strings have " + std::to_string(size_) +
                                       " bytes): ask for fewer at a time");
        }
        return measured;
    }

private:
    std::uint64_t strings_ = 0;
    std::uint64_t size_ = 0;
};

}  // namespace btfmmap
