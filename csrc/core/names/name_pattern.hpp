#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/bytes.hpp"

namespace btfmmap {

// A set of characters; a character of a name must be one of them.
class CharSet {
public:
    static CharSet all();
    // `character` is encoded as `bytes`.
    static CharSet of(char32_t character, std::string_view bytes);

    // Adds the characters from `first` to `last`.
    void add(char32_t first, char32_t last);
    void negate();

    bool contains(char ascii) const {
        const auto number = static_cast<std::uint8_t>(ascii);
        return (ascii_[number >> 6 & 1] >> (number & 63) & 1) != 0;
    }
    bool contains(char32_t character) const;

    // The bytes of the only character; empty if the set was not created by of().
    const std::string& literal() const { return literal_; }

private:
    std::uint64_t ascii_[2] = {};
    std::vector<std::pair<char32_t, char32_t>> others_;  // ranges above ASCII
    bool others_negated_ = false;
    std::string literal_;
};

// A pattern of whole names: sets of characters, and gaps that any text fills. Characters are those of names
// that are decoded with surrogateescape. A match takes at most time proportional to the product of the sizes
// of pattern and name.
class NamePattern {
public:
    // std::nullopt is a gap.
    using Tokens = std::vector<std::optional<CharSet>>;

    explicit NamePattern(const Tokens& tokens);

    // Parses a glob: "*", "?" and "[...]" have the meaning that Python's fnmatch.translate gives them.
    static NamePattern glob(std::string_view pattern);

    // Whether the string at the start of `start`, which may be longer, can match: compares only the
    // characters that all names that match start with.
    bool can_start(Bytes start) const;
    bool matches(std::string_view name) const;

private:
    // Bytes to search for.
    struct Literal {
        std::string bytes;
        std::size_t rarest = 0;  // position of the rarest byte

        void set(std::string literal);
        // Returns the first position in a range, or nullptr.
        const char* find(const char* begin, const char* end) const;
    };

    // Sets of characters that match successive characters.
    struct Segment {
        std::vector<CharSet> sets;
        Literal literal;  // if each set has one character, their bytes
        // Otherwise, by ASCII character: bit i says whether sets[i] contains it. Empty if there are more
        // than 64.
        std::vector<std::uint64_t> members;
    };

    static void set_members(Segment& segment);
    static const char* find_sets(const Segment& segment, const char* begin, const char* end);
    template <class Char>
    static bool matches_at(const Segment& segment, const Char* at);
    template <class Char>
    static const Char* find(const Segment& segment, const Char* begin, const Char* end);
    template <class Char>
    bool matches_chars(const Char* begin, const Char* end) const;
    void set_literals();

    // The segments between gaps. The first starts at the start of a name, the last ends at its end; both may
    // be empty.
    std::vector<Segment> segments_;
    std::size_t min_size_ = 0;  // number of characters that a name must have at least
    // Bytes that all names that match start with, end with, and contain.
    std::string prefix_, suffix_;
    Literal longest_;
};

}  // namespace btfmmap
