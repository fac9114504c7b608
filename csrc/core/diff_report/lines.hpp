#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace btfmmap::diff {

// Appends a text. ASCII control characters are escaped as in Python: \n, \x1b.
void append_printable(std::string& to, std::string_view text);
// Appends a number with a comma between thousands.
void append_number(std::string& to, std::uint64_t number);
// Appends a number with its sign, + too.
void append_signed(std::string& to, std::int64_t number);

// Returns the number of characters of a text in UTF-8.
std::size_t length_of(std::string_view text);

// Collects lines, and passes them to a sink in pieces that end with a line.
class Lines {
public:
    using Sink = std::function<void(std::string_view)>;

    // Lines are wrapped to `width` characters, or to kMinWidth if that is more.
    Lines(std::size_t width, Sink sink);

    static constexpr std::size_t kMinWidth = 40;
    std::size_t width() const { return width_; }

    // Adds a line. Spaces at its end are removed.
    void add(std::string_view line);
    // Adds a text below an indentation. It is wrapped between words if it is too long; lines after the first
    // one are indented by four more. A word that does not fit into a line is broken.
    void add_wrapped(std::string_view text, std::size_t indent);
    // Passes on what is left.
    void flush();

private:
    void add_parts(std::string_view text, std::size_t indent);

    std::size_t width_;
    Sink sink_;
    std::string text_;
};

}  // namespace btfmmap::diff
