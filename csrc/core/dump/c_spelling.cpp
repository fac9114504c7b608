#include "core/dump/c_spelling.hpp"

#include <algorithm>
#include <iterator>

namespace btfmmap {

namespace {

using std::uint32_t;
using std::uint8_t;

// The encoding of an INT.
constexpr uint8_t kSigned = 1, kChar = 2, kBool = 4;

// In ascending order, as are those of C23. Includes the keywords of GNU C.
constexpr std::string_view kKeywords[] = {
    "_Alignas",
    "_Alignof",
    "_Atomic",
    "_BitInt",
    "_Bool",
    "_Complex",
    "_Decimal128",
    "_Decimal32",
    "_Decimal64",
    "_Float128",
    "_Float16",
    "_Float32",
    "_Float32x",
    "_Float64",
    "_Float64x",
    "_Generic",
    "_Imaginary",
    "_Noreturn",
    "_Static_assert",
    "_Thread_local",
    "__alignof",
    "__alignof__",
    "__asm",
    "__asm__",
    "__attribute",
    "__attribute__",
    "__auto_type",
    "__bf16",
    "__builtin_va_list",
    "__complex",
    "__complex__",
    "__const",
    "__const__",
    "__extension__",
    "__float128",
    "__fp16",
    "__func__",
    "__imag",
    "__imag__",
    "__inline",
    "__inline__",
    "__int128",
    "__int128_t",
    "__label__",
    "__real",
    "__real__",
    "__restrict",
    "__restrict__",
    "__signed",
    "__signed__",
    "__thread",
    "__typeof",
    "__typeof__",
    "__uint128_t",
    "__volatile",
    "__volatile__",
    "asm",
    "auto",
    "break",
    "case",
    "char",
    "const",
    "continue",
    "default",
    "do",
    "double",
    "else",
    "enum",
    "extern",
    "float",
    "for",
    "goto",
    "if",
    "inline",
    "int",
    "long",
    "register",
    "restrict",
    "return",
    "short",
    "signed",
    "sizeof",
    "static",
    "struct",
    "switch",
    "typedef",
    "typeof",
    "union",
    "unsigned",
    "void",
    "volatile",
    "while",
};
constexpr std::string_view kKeywordsOfC23[] = {
    "alignas", "alignof",       "bool",         "constexpr", "false",
    "nullptr", "static_assert", "thread_local", "true",      "typeof_unqual",
};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_keyword(std::string_view name, CDialect dialect) {
    return std::binary_search(std::begin(kKeywords), std::end(kKeywords), name) ||
           (dialect == CDialect::c23 &&
            std::binary_search(std::begin(kKeywordsOfC23), std::end(kKeywordsOfC23), name));
}

// Removes the first word from a text and returns it.
std::string_view take_word(std::string_view& text) {
    const std::size_t size = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, size);
    text.remove_prefix(std::min(size + 1, text.size()));
    return word;
}

}  // namespace

bool is_c_identifier(std::string_view name, CDialect dialect) {
    return !name.empty() && !is_digit(name.front()) &&
           std::all_of(name.begin(), name.end(), [](char c) { return is_letter(c) || is_digit(c); }) &&
           !is_keyword(name, dialect);
}

std::string c_identifier(std::string_view name, CDialect dialect) {
    std::string identifier(name);
    for (char& c : identifier) {
        c = is_letter(c) || is_digit(c) ? c : '_';
    }
    if (identifier.empty() || is_digit(identifier.front())) {
        identifier.insert(identifier.begin(), '_');
    }
    if (is_keyword(identifier, dialect)) {
        identifier.push_back('_');
    }
    return identifier;
}

uint32_t c_integer_size(std::string_view spelling, uint32_t pointer_size) {
    unsigned signs = 0;
    unsigned longs = 0;
    unsigned ints = 0;
    std::string_view base;
    do {
        const std::string_view word = take_word(spelling);
        if (word == "signed" || word == "unsigned") {
            ++signs;
        } else if (word == "long") {
            ++longs;
        } else if (word == "int") {
            ++ints;
        } else if (base.empty() &&
                   (word == "char" || word == "short" || word == "_Bool" || word == "__int128")) {
            base = word;
        } else {
            return 0;
        }
    } while (!spelling.empty());
    const bool is_short = base == "short";
    if (signs > 1 || longs > 2 || ints > 1 || (!base.empty() && longs != 0) ||
        (!base.empty() && !is_short && ints != 0) || (base == "_Bool" && signs != 0)) {
        return 0;
    }
    if (base.empty()) {
        return longs == 0 ? 4 : longs == 1 ? pointer_size : 8;
    }
    return is_short ? 2 : base == "__int128" ? (pointer_size == 8 ? 16 : 0) : 1;
}

std::string_view c_integer(uint32_t size, uint8_t encoding, uint32_t pointer_size) {
    const bool is_signed = (encoding & kSigned) != 0;
    switch (size) {
        case 1:
            return (encoding & kBool) != 0   ? "_Bool"
                   : (encoding & kChar) != 0 ? "char"
                   : is_signed               ? "signed char"
                                             : "unsigned char";
        case 2:
            return is_signed ? "short" : "unsigned short";
        case 4:
            return is_signed ? "int" : "unsigned int";
        case 8:
            return is_signed ? "long long" : "unsigned long long";
        case 16:
            return pointer_size != 8 ? "" : is_signed ? "__int128" : "unsigned __int128";
        default:
            return "";
    }
}

std::string_view c_float(std::string_view name, uint32_t size, uint32_t pointer_size) {
    const auto is_long_double = [&](uint32_t bytes) {
        return bytes == 16 || (bytes == 12 && pointer_size == 4);
    };
    if (name == "complex float" && size == 8) {
        return "_Complex float";
    }
    if (name == "complex double" && size == 16) {
        return "_Complex double";
    }
    if (name == "long double" && is_long_double(size)) {
        return "long double";
    }
    return size == 4 ? "float" : size == 8 ? "double" : "";
}

}  // namespace btfmmap
