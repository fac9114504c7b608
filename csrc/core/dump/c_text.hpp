#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "core/dump/c_limits.hpp"
#include "core/text/text_writer.hpp"

namespace btfmmap {

// Writes C text within limits.
class CText {
public:
    // Both arguments must outlive this object.
    CText(CLimits& limits, Output& output) : limits_(limits), output_(output) {}

    // To write one of two literals, choose between two calls: each one becomes a store or two.
    template <std::size_t size>
    void write(const char (&literal)[size]) {
        limits_.spend(size - 1);
        TextWriter(output_).literal(literal);
    }
    void write(std::string_view text) {
        limits_.spend(text.size());
        TextWriter(output_).text(text);
    }
    // Writes text inside a comment, which it cannot end: other characters than printable ASCII, and slashes
    // after asterisks, are replaced.
    void comment(std::string_view text) {
        limits_.spend(text.size());
        char previous = 0;
        for (const char character : text) {
            const bool harmless =
                character >= ' ' && character <= '~' && !(previous == '*' && character == '/');
            previous = harmless ? character : '?';
            TextWriter(output_).text(std::string_view(&previous, 1));
        }
    }
    void number(std::uint64_t value) { TextWriter(output_).number(value); }
    void signed_number(std::int64_t value) { TextWriter(output_).signed_number(value); }

    // Starts a new line, indented by a tab per level up to a maximum.
    void new_line(unsigned level) {
        constexpr std::string_view line = "\n\t\t\t\t\t\t\t\t\t\t\t\t\t";
        write(line.substr(0, std::min<std::size_t>(1 + level, line.size())));
    }

private:
    CLimits& limits_;
    Output& output_;
};

}  // namespace btfmmap
