#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "core/dump/c_limits.hpp"
#include "core/text/text_writer.hpp"

namespace btfmmap {

// C on its way out, within limits.
class CText {
public:
    // Both outlive it.
    CText(CLimits& limits, Output& output) : limits_(limits), output_(output) {}

    // A choice between literals is best made between two calls, which are a store or two each.
    template <std::size_t size>
    void write(const char (&literal)[size]) {
        limits_.spend(size - 1);
        TextWriter(output_).literal(literal);
    }
    void write(std::string_view text) {
        limits_.spend(text.size());
        TextWriter(output_).text(text);
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
