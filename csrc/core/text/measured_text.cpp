#include "core/text/measured_text.hpp"

#include <charconv>

#include "core/base/error.hpp"

namespace btfmmap {

namespace {

// Returns the length of the valid UTF-8 sequence at the start of a text that is not empty; 1 if there is
// none.
std::size_t sequence_length(std::string_view text) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const unsigned lead = byte(0);
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < length) {
        return 1;
    }
    for (std::size_t at = 1; at != length; ++at) {
        if ((byte(at) & 0xc0) != 0x80) {
            return 1;
        }
    }
    // The second byte excludes overlong sequences, surrogates and code points past U+10FFFF.
    const unsigned second = byte(1);
    const bool valid = !(lead == 0xe0 && second < 0xa0) && !(lead == 0xed && second >= 0xa0) &&
                       !(lead == 0xf0 && second < 0x90) && !(lead == 0xf4 && second >= 0x90);
    return valid ? length : 1;
}

}  // namespace

std::size_t count_characters(std::string_view text) {
    unsigned char bits = 0;
    for (const char byte : text) {
        bits |= static_cast<unsigned char>(byte);
    }
    if (bits < 0x80) {
        return text.size();
    }
    std::size_t count = 0;
    while (!text.empty()) {
        text.remove_prefix(static_cast<unsigned char>(text[0]) < 0x80 ? 1 : sequence_length(text));
        ++count;
    }
    return count;
}

void MeasuredText::number(std::uint64_t value) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    write({digits, static_cast<std::size_t>(end - digits)});
}

void MeasuredText::signed_number(std::int64_t value) { aligned_number(value, 0); }

void MeasuredText::aligned_number(std::int64_t value, std::size_t width) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    const auto size = static_cast<std::size_t>(end - digits);
    fill(' ', size < width ? width - size : 0);
    write({digits, size});
}

void MeasuredText::throw_exhausted() {
    remaining_ = 0;
    throw Error::not_supported("the types make more than " + std::to_string(limit_) + " bytes of text");
}

}  // namespace btfmmap
