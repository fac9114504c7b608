#include "core/diff/spelling.hpp"

#include <cstddef>

#include "core/base/error.hpp"
#include "core/format/wire_format.hpp"

namespace btfmmap::diff {

namespace {

using std::size_t;
using std::string;
using std::uint32_t;

constexpr size_t kMaxText = 4096;
constexpr std::uint64_t kMaxSize = std::uint64_t{1} << 30;  // of all texts
constexpr unsigned kMaxDepth = 8;                           // of prototypes and structs inside each other
constexpr unsigned kMaxSteps = 64;    // pointers, arrays, prototypes and qualifiers around a type
constexpr unsigned kMaxParts = 4096;  // types that are part of one text, also of what is abbreviated

class Speller {
public:
    Speller(const Interner& spellings, const Interner& names) : spellings_(spellings), names_(names) {}

    // Returns a declaration in C: the type around `declarator`, which is a name or empty.
    string declare(uint32_t type, string declarator, unsigned depth) {
        if (++parts_ > kMaxParts) {
            return "...";
        }
        for (unsigned steps = 0; steps != kMaxSteps && declarator.size() <= kMaxText; ++steps) {
            const std::string_view node = spellings_.text(type);
            switch (static_cast<Spelled>(word_of(node, 0))) {
                case Spelled::pointer:
                    declarator.insert(0, "*");
                    type = word_of(node, 1);
                    if (needs_parentheses(type)) {
                        declarator = "(" + declarator + ")";
                    }
                    break;
                case Spelled::array:
                    declarator += "[" + std::to_string(word_of(node, 1)) + "]";
                    type = word_of(node, 2);
                    break;
                case Spelled::prototype:
                    declarator += parameters(node, depth);
                    type = word_of(node, 1);
                    break;
                case Spelled::qualified: {
                    const string words = qualifiers(word_of(node, 1));
                    type = word_of(node, 2);
                    if (static_cast<Spelled>(word_of(spellings_.text(type), 0)) == Spelled::pointer) {
                        declarator.insert(0, declarator.empty() ? " " + words : " " + words + " ");
                        break;
                    }
                    return joined(words + " " + base(type, depth, declarator), declarator);
                }
                default:
                    return joined(base(type, depth, declarator), declarator);
            }
        }
        return "...";
    }

private:
    static string joined(string base, const string& declarator) {
        if (!declarator.empty() && declarator[0] != ' ') {
            base += ' ';
        }
        return base + declarator;
    }

    static string qualifiers(uint32_t set) {
        string words;
        for (const auto& [bit, word] :
             {std::pair{kConst, "const"}, {kVolatile, "volatile"}, {kRestrict, "restrict"}}) {
            if ((set & bit) != 0) {
                words += words.empty() ? word : string(" ") + word;
            }
        }
        return words;
    }

    bool needs_parentheses(uint32_t type) const {
        std::string_view node = spellings_.text(type);
        if (static_cast<Spelled>(word_of(node, 0)) == Spelled::qualified) {
            node = spellings_.text(word_of(node, 2));
        }
        const auto inner = static_cast<Spelled>(word_of(node, 0));
        return inner == Spelled::array || inner == Spelled::prototype;
    }

    string parameters(std::string_view node, unsigned depth) {
        if (depth == kMaxDepth) {
            return "(...)";
        }
        string text = "(";
        const size_t end = node.size() / 4;
        for (size_t number = 2; number < end && text.size() < kMaxText; ++number) {
            const uint32_t type = word_of(node, number);
            const bool is_void = static_cast<Spelled>(word_of(spellings_.text(type), 0)) == Spelled::empty;
            text += number == 2 ? "" : ", ";
            text += is_void && number + 1 == end && end > 3 ? "..."
                    : is_void && end == 3                   ? "..."
                                                            : declare(type, {}, depth + 1);
        }
        return text + (end == 2 ? "void)" : ")");
    }

    // Returns the text of a type that is not derived from another one. An array or prototype below
    // qualifiers, or anything that nests too deep, is abbreviated.
    string base(uint32_t type, unsigned depth, string& declarator) {
        const std::string_view node = spellings_.text(type);
        const auto kind = static_cast<Kind>(word_of(node, 1));
        switch (static_cast<Spelled>(word_of(node, 0))) {
            case Spelled::empty:
                return "void";
            case Spelled::named:
                return keyword(kind) + string(names_.text(word_of(node, 2)));
            case Spelled::composite:
                return keyword(kind) + (depth == kMaxDepth ? "{...}" : members(node, depth));
            case Spelled::enumeration:
                return "enum " + enumerators(node);
            case Spelled::holder:
                return keyword(kind) + "{...}";
            case Spelled::number:
                return "number of " + std::to_string(word_of(node, 2)) + " bytes";
            case Spelled::array:
            case Spelled::prototype: {  // below qualifiers
                const string inner = depth == kMaxDepth ? "..." : declare(type, declarator, depth + 1);
                declarator.clear();
                return inner;
            }
            default:
                return "...";
        }
    }

    static string keyword(Kind kind) {
        return kind == Kind::Struct  ? "struct "
               : kind == Kind::Union ? "union "
               : kind == Kind::Enum  ? "enum "
                                     : "";
    }

    string members(std::string_view node, unsigned depth) {
        string text = "{";
        const size_t end = node.size() / 4;
        for (size_t at = 3; at + 4 <= end; at += 4) {
            if (text.size() > kMaxText) {
                return text + " ...}";
            }
            text += " " + declare(word_of(node, at + 3), string(names_.text(word_of(node, at))), depth + 1);
            if (word_of(node, at + 2) != 0) {
                text += ":" + std::to_string(word_of(node, at + 2));
            }
            text += ";";
        }
        return text + " }";
    }

    string enumerators(std::string_view node) const {
        string text = "{";
        const size_t end = node.size() / 4;
        for (size_t at = 3; at + 3 <= end; at += 3) {
            if (text.size() > kMaxText) {
                return text + ", ...}";
            }
            text += (at == 3 ? " " : ", ") + string(names_.text(word_of(node, at))) + " = " +
                    enumerator_value(node, at + 1);
        }
        return text + " }";
    }

    // Returns the value at a word of an enumeration, with the sign that its size and flag give it.
    static string enumerator_value(std::string_view node, size_t at) {
        const uint32_t size = word_of(node, 1);
        const std::uint64_t value = std::uint64_t{word_of(node, at + 1)} << 32 | word_of(node, at);
        if (word_of(node, 2) == 0) {
            return std::to_string(value);
        }
        const unsigned unused = size == 0 || size >= 8 ? 0 : 64 - 8 * size;
        return std::to_string(static_cast<std::int64_t>(value << unused) >> unused);
    }

    const Interner& spellings_;
    const Interner& names_;
    unsigned parts_ = 0;
};

}  // namespace

string spelled(const Interner& spellings, const Interner& names, uint32_t spelling) {
    string text = Speller(spellings, names).declare(spelling, {}, 0);
    if (text.size() > kMaxText) {
        text.resize(kMaxText);
        text += "...";
    }
    return text;
}

string tags_text(const Interner& names, uint32_t tags) {
    string text(names.text(tags));
    for (size_t at = 0; (at = text.find('\0', at)) != string::npos;) {
        text.replace(at, 1, ", ");
    }
    return text;
}

void SpelledSize::add(size_t size) {
    size_ += size;
    if (size_ > kMaxSize) {
        throw Error::not_supported("the texts of the types exceed 1 GiB");
    }
}

}  // namespace btfmmap::diff
