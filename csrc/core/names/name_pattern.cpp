#include "core/names/name_pattern.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/names/plain_text.hpp"
#include "core/names/string_search.hpp"
#include "core/names/utf8.hpp"

namespace btfmmap {

namespace {

constexpr char32_t kAscii = 0x80;

std::u32string decoded(std::string_view text) {
    std::u32string characters;
    while (!text.empty()) {
        const Utf8Char next = first_char(text);
        characters.push_back(next.character);
        text.remove_prefix(next.size);
    }
    return characters;
}

bool ends_with(std::string_view text, std::string_view end) {
    return text.size() >= end.size() &&
           std::memcmp(text.data() + (text.size() - end.size()), end.data(), end.size()) == 0;
}

// The characters between the brackets of a set, as fnmatch.translate passes them to `re`: the hyphens of
// ranges are marked, and ranges that end before they start are left out.
struct SetText {
    struct Item {
        char32_t character;
        bool is_range;  // the hyphen between the ends of a range
    };

    explicit SetText(const std::u32string& text) {
        std::vector<std::u32string> chunks;  // the text between the hyphens of ranges
        std::size_t start = 0;
        std::size_t hyphen = text.front() == U'!' ? 2 : 1;
        while ((hyphen = text.find(U'-', hyphen)) != std::u32string::npos) {
            chunks.push_back(text.substr(start, hyphen - start));
            start = hyphen + 1;
            hyphen += 3;
        }
        if (start != text.size()) {
            chunks.push_back(text.substr(start));
        } else {
            chunks.back() += U'-';
        }
        for (std::size_t chunk = chunks.size(); --chunk != 0;) {
            if (chunks[chunk - 1].back() > chunks[chunk].front()) {
                chunks[chunk - 1].pop_back();
                chunks[chunk - 1] += chunks[chunk].substr(1);
                chunks.erase(chunks.begin() + static_cast<std::ptrdiff_t>(chunk));
            }
        }
        for (const std::u32string& chunk : chunks) {
            if (&chunk != &chunks.front()) {
                items.push_back({U'-', true});
            }
            for (const char32_t character : chunk) {
                items.push_back({character, false});
            }
        }
    }

    std::vector<Item> items;
};

// Parses the text between the brackets of a set.
CharSet parse_set(const std::u32string& text) {
    const auto items = SetText(text).items;
    CharSet set;
    const bool negated = !items.empty() && items.front().character == U'!';
    for (std::size_t at = negated; at < items.size(); ++at) {
        const char32_t first = items[at].character;
        if (at + 2 < items.size() && items[at + 1].is_range) {
            at += 2;
        }
        set.add(first, items[at].character);
    }
    if (negated) {
        set.negate();
    }
    return set;
}

}  // namespace

CharSet CharSet::all() {
    CharSet set;
    set.negate();
    return set;
}

CharSet CharSet::of(char32_t character, std::string_view bytes) {
    CharSet set;
    set.add(character, character);
    set.literal_ = bytes;
    return set;
}

void CharSet::add(char32_t first, char32_t last) {
    for (char32_t character = first; character <= last && character < kAscii; ++character) {
        ascii_[character >> 6] |= std::uint64_t{1} << (character & 63);
    }
    if (last >= kAscii) {
        others_.emplace_back(std::max(first, kAscii), last);
    }
}

void CharSet::negate() {
    for (std::uint64_t& bits : ascii_) {
        bits = ~bits;
    }
    others_negated_ = !others_negated_;
}

bool CharSet::contains(char32_t character) const {
    if (character < kAscii) {
        return contains(static_cast<char>(character));
    }
    const bool found = std::any_of(others_.begin(), others_.end(), [&](const auto& range) {
        return range.first <= character && character <= range.second;
    });
    return found != others_negated_;
}

NamePattern::NamePattern(const Tokens& tokens) : segments_(1) {
    for (const auto& token : tokens) {
        if (!token) {
            // Successive gaps are one.
            if (segments_.size() == 1 || !segments_.back().sets.empty()) {
                segments_.emplace_back();
            }
            continue;
        }
        segments_.back().sets.push_back(*token);
        ++min_size_;
    }
    set_literals();
}

void NamePattern::set_literals() {
    std::string longest;
    for (Segment& segment : segments_) {
        std::string run;  // the bytes of successive sets of one character
        bool is_first_run = true;
        const auto end_run = [&] {
            if (&segment == &segments_.front() && is_first_run) {
                prefix_ = run;
            }
            longest = run.size() > longest.size() ? run : longest;
        };
        for (const CharSet& set : segment.sets) {
            if (set.literal().empty()) {
                end_run();
                is_first_run = false;
                run.clear();
            } else {
                run += set.literal();
            }
        }
        end_run();
        if (is_first_run) {
            segment.literal.set(run);
        } else {
            set_members(segment);
        }
        suffix_ = run;
    }
    // What a name starts or ends with needs no search.
    if (longest != prefix_ && longest != suffix_) {
        longest_.set(longest);
    }
}

void NamePattern::Literal::set(std::string literal) {
    bytes = std::move(literal);
    rarest = bytes.empty() ? 0 : rarest_char(bytes, bytes.size());
}

const char* NamePattern::Literal::find(const char* begin, const char* end) const {
    for (const char* at = begin; static_cast<std::size_t>(end - at) >= bytes.size(); ++at) {
        const std::size_t starts = static_cast<std::size_t>(end - at) - bytes.size() + 1;
        const void* found = std::memchr(at + rarest, bytes[rarest], starts);
        if (found == nullptr) {
            return nullptr;
        }
        at = static_cast<const char*>(found) - rarest;
        if (std::memcmp(at, bytes.data(), bytes.size()) == 0) {
            return at;
        }
    }
    return nullptr;
}

NamePattern NamePattern::glob(std::string_view pattern) {
    Tokens tokens;
    while (!pattern.empty()) {
        const Utf8Char next = first_char(pattern);
        const std::string_view bytes = pattern.substr(0, next.size);
        pattern.remove_prefix(next.size);
        if (next.character == U'*') {
            tokens.emplace_back(std::nullopt);
        } else if (next.character == U'?') {
            tokens.emplace_back(CharSet::all());
        } else {
            // A bracket that is first in a set does not end it.
            const std::size_t first = pattern.substr(0, 1) == "!" ? 1 : 0;
            const std::size_t end =
                next.character == U'[' ? pattern.find(']', first + 1) : std::string_view::npos;
            if (end == std::string_view::npos) {
                tokens.emplace_back(CharSet::of(next.character, bytes));
            } else {
                tokens.emplace_back(parse_set(decoded(pattern.substr(0, end))));
                pattern.remove_prefix(end + 1);
            }
        }
    }
    return NamePattern(tokens);
}

bool NamePattern::can_start(Bytes start) const {
    return start.size >= prefix_.size() && std::memcmp(start.data, prefix_.data(), prefix_.size()) == 0;
}

bool NamePattern::matches(std::string_view name) const {
    // Bytes are compared first: text that contains some characters contains their bytes too.
    const char* end = name.data() + name.size();
    if (name.size() < min_size_ || !ends_with(name, suffix_) ||
        (!longest_.bytes.empty() && longest_.find(name.data(), end) == nullptr)) {
        return false;
    }
    if (is_ascii(name)) {
        return matches_chars(name.data(), end);
    }
    const std::u32string characters = decoded(name);
    return matches_chars(characters.data(), characters.data() + characters.size());
}

void NamePattern::set_members(Segment& segment) {
    if (segment.sets.size() > 64) {
        return;
    }
    segment.members.resize(kAscii);
    for (char32_t character = 0; character != kAscii; ++character) {
        for (std::size_t i = 0; i != segment.sets.size(); ++i) {
            segment.members[character] |= std::uint64_t{segment.sets[i].contains(character)} << i;
        }
    }
}

// Returns the first position in ASCII text at which all sets match. Keeps one bit per set: bit i says whether
// the sets up to that one match the last i + 1 characters.
const char* NamePattern::find_sets(const Segment& segment, const char* begin, const char* end) {
    const std::size_t last = segment.sets.size() - 1;
    std::uint64_t matched = 0;
    for (const char* at = begin; at != end; ++at) {
        matched = (matched << 1 | 1) & segment.members[static_cast<std::uint8_t>(*at) % kAscii];
        if ((matched >> last & 1) != 0) {
            return at - last;
        }
    }
    return nullptr;
}

// Here and below, the characters of a name are either ASCII, a byte each, or of type char32_t.
template <class Char>
bool NamePattern::matches_at(const Segment& segment, const Char* at) {
    return std::all_of(segment.sets.begin(), segment.sets.end(),
                       [&at](const CharSet& set) { return set.contains(*at++); });
}

// Returns the first position at which the segment matches, or nullptr.
template <class Char>
const Char* NamePattern::find(const Segment& segment, const Char* begin, const Char* end) {
    if constexpr (sizeof(Char) == 1) {
        if (!segment.literal.bytes.empty()) {
            return segment.literal.find(begin, end);
        }
        if (!segment.members.empty()) {
            return find_sets(segment, begin, end);
        }
    }
    const auto size = static_cast<std::ptrdiff_t>(segment.sets.size());
    for (const Char* at = begin; end - at >= size; ++at) {
        if (matches_at(segment, at)) {
            return at;
        }
    }
    return nullptr;
}

template <class Char>
bool NamePattern::matches_chars(const Char* begin, const Char* end) const {
    const auto size = static_cast<std::size_t>(end - begin);
    if (size < min_size_ || (segments_.size() == 1 && size != min_size_)) {
        return false;
    }
    const Segment& first = segments_.front();
    if (!matches_at(first, begin)) {
        return false;
    }
    if (segments_.size() == 1) {
        return true;
    }
    const Segment& last = segments_.back();
    end -= last.sets.size();
    if (!matches_at(last, end)) {
        return false;
    }
    begin += first.sets.size();
    for (std::size_t middle = 1; middle + 1 != segments_.size(); ++middle) {
        begin = find(segments_[middle], begin, end);
        if (begin == nullptr) {
            return false;
        }
        begin += segments_[middle].sets.size();
    }
    return true;
}

}  // namespace btfmmap
