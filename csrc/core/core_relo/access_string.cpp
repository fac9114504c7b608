#include "core/core_relo/access_string.hpp"

namespace btfmmap::core_relo {

namespace {

constexpr bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

Failure parse_access_string(std::string_view text, std::vector<std::uint32_t>& numbers) {
    numbers.clear();
    if (text.size() > kMaxAccessSize) {
        return Failure::invalid(Reason::access_too_long);
    }
    if (text.empty() || text[0] == ':') {
        return Failure::invalid(Reason::access_syntax);
    }
    std::size_t at = 0;
    const auto is = [&](auto test) { return at != text.size() && test(text[at]); };
    while (at != text.size()) {
        at += text[at] == ':';
        while (is(is_space)) {
            ++at;
        }
        const bool negative = is([](char c) { return c == '-'; });
        at += negative || is([](char c) { return c == '+'; });
        if (!is(is_digit)) {
            return Failure::invalid(Reason::access_syntax);
        }
        // A number past 63 bits counts as the largest (or lowest) of 64 bits with a sign, as in strtol.
        constexpr std::uint64_t largest = INT64_MAX;
        std::uint64_t magnitude = 0;
        for (; is(is_digit); ++at) {
            const auto digit = static_cast<std::uint64_t>(text[at] - '0');
            magnitude = magnitude > (largest - digit) / 10 ? largest : magnitude * 10 + digit;
        }
        std::uint64_t value = magnitude;
        if (negative) {
            value = magnitude == largest ? largest + 1 : 0 - magnitude;
        }
        const auto number = static_cast<std::uint32_t>(value);
        if (number > INT32_MAX) {
            return Failure::invalid(Reason::access_syntax);
        }
        if (numbers.size() == kMaxAccessors) {
            return Failure::invalid(Reason::access_too_long);
        }
        numbers.push_back(number);
    }
    return {};
}

}  // namespace btfmmap::core_relo
