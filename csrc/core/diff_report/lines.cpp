#include "core/diff_report/lines.hpp"

#include <algorithm>
#include <utility>

namespace btfmmap::diff {

namespace {

using std::size_t;
using std::string;
using std::string_view;

constexpr size_t kPiece = size_t{1} << 16;
constexpr size_t kFurther = 4;  // spaces before lines that continue a text

bool is_control(char letter) {
    const auto byte = static_cast<unsigned char>(letter);
    return byte < 0x20 || byte == 0x7f;
}

bool starts_character(char letter) { return (static_cast<unsigned char>(letter) & 0xc0) != 0x80; }

// Returns the size of the first `count` characters of a text, which has more.
size_t size_of_first(string_view text, size_t count) {
    size_t size = 0;
    while (size != text.size() && (count != 0 || !starts_character(text[size]))) {
        count -= starts_character(text[size]) ? 1 : 0;
        ++size;
    }
    return size;
}

string_view without_spaces_after(string_view text) {
    const size_t last = text.find_last_not_of(' ');
    return text.substr(0, last == string_view::npos ? 0 : last + 1);
}

// Returns the size of the spaces, or of the word, that a text starts with.
size_t size_of_part(string_view text) {
    return std::min(text[0] == ' ' ? text.find_first_not_of(' ') : text.find(' '), text.size());
}

}  // namespace

void append_printable(string& to, string_view text) {
    constexpr string_view digits = "0123456789abcdef";
    const auto* at = text.begin();
    for (;;) {
        const auto* next = std::find_if(at, text.end(), is_control);
        to.append(at, next);
        if (next == text.end()) {
            return;
        }
        const auto byte = static_cast<unsigned char>(*next);
        switch (*next) {
            case '\n':
                to += "\\n";
                break;
            case '\t':
                to += "\\t";
                break;
            case '\r':
                to += "\\r";
                break;
            default:
                to += "\\x";
                to += digits[byte >> 4];
                to += digits[byte & 15];
        }
        at = next + 1;
    }
}

void append_number(string& to, std::uint64_t number) {
    const string digits = std::to_string(number);
    for (size_t i = 0; i != digits.size(); ++i) {
        if (i != 0 && (digits.size() - i) % 3 == 0) {
            to += ',';
        }
        to += digits[i];
    }
}

void append_signed(string& to, std::int64_t number) {
    const auto bits = static_cast<std::uint64_t>(number);
    to += number < 0 ? '-' : '+';
    append_number(to, number < 0 ? -bits : bits);
}

size_t length_of(string_view text) {
    return static_cast<size_t>(std::count_if(text.begin(), text.end(), starts_character));
}

Lines::Lines(size_t width, Sink sink) : width_(std::max(width, kMinWidth)), sink_(std::move(sink)) {}

void Lines::add(string_view line) {
    text_ += without_spaces_after(line);
    text_ += '\n';
    if (text_.size() >= kPiece) {
        flush();
    }
}

void Lines::flush() {
    if (!text_.empty()) {
        sink_(text_);
        text_.clear();
    }
}

void Lines::add_wrapped(string_view text, size_t indent) {
    if (indent + text.size() <= width_ || indent + length_of(text) <= width_) {
        text_.append(indent, ' ');
        add(text);
    } else {
        add_parts(text, indent);
    }
}

void Lines::add_parts(string_view text, size_t indent) {
    const size_t inner = std::min(text.find_first_not_of(' '), text.size());
    string line(indent, ' ');
    for (bool is_first = true; !text.empty();) {
        if (!is_first) {
            text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
        }
        const size_t start = line.size();
        const size_t room = width_ > start ? width_ - start : 1;
        size_t used = 0;
        while (!text.empty()) {
            const string_view part = text.substr(0, size_of_part(text));
            const size_t length = length_of(part);
            if (used + length > room) {
                break;
            }
            line += part;
            used += length;
            text.remove_prefix(part.size());
        }
        if (!text.empty() && length_of(text.substr(0, size_of_part(text))) > room) {
            const string_view part = text.substr(0, size_of_first(text, room - used));
            line += part;
            text.remove_prefix(part.size());
        }
        if (line.find_first_not_of(' ', start) != string::npos) {
            add(line);
            is_first = false;
        }
        line.assign(is_first ? indent : indent + inner + kFurther, ' ');
    }
}

}  // namespace btfmmap::diff
