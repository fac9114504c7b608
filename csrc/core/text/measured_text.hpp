#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace btfmmap {

// Returns the number of characters of a text. As in Python's decoder with surrogateescape, each byte that is
// not part of valid UTF-8 counts as a character.
std::size_t count_characters(std::string_view text);

// Collects text in one string, for formats whose columns depend on the number of characters written so far.
// The size is limited: names are written wherever they are used, so a hostile file of a few kilobytes could
// otherwise cause unlimited output.
class MeasuredText {
public:
    // `limit` is the maximum number of bytes and steps.
    explicit MeasuredText(std::uint64_t limit) : limit_(limit), remaining_(limit) {}

    // Writes ASCII text.
    void write(std::string_view ascii) {
        spend(ascii.size());
        text_.append(ascii);
    }
    // Writes text that may contain any bytes. The caller spends its size when it measures the text.
    void write_measured(std::string_view name) {
        text_.append(name);
        multibyte_ += name.size() - count_characters(name);
    }
    void fill(char character, std::uint64_t count) {
        spend(count);
        text_.append(static_cast<std::size_t>(count), character);
    }
    void number(std::uint64_t value);
    void signed_number(std::int64_t value);
    // Writes a number, right-aligned in at least `width` characters.
    void aligned_number(std::int64_t value, std::size_t width);

    // Accounts for work or text. Throws Error (not_supported) if the limit is exceeded.
    void spend(std::uint64_t bytes) {
        if (bytes > remaining_) {
            throw_exhausted();
        }
        remaining_ -= bytes;
    }
    std::uint64_t remaining() const { return remaining_; }

    // Returns the number of characters written.
    std::size_t characters() const { return text_.size() - multibyte_; }
    std::string& text() { return text_; }

private:
    [[noreturn]] void throw_exhausted();

    std::string text_;
    std::size_t multibyte_ = 0;  // bytes that do not count as characters
    std::uint64_t limit_;
    std::uint64_t remaining_;
};

}  // namespace btfmmap
