#include "core/pahole/type_names.hpp"

#include <unordered_map>
#include <utility>

#include "core/pahole/type_speller.hpp"

namespace btfmmap {

namespace {

// Whether Python's str.isspace() accepts an ASCII character.
bool is_space(char character) {
    return character == ' ' || (character >= '\t' && character <= '\r') ||
           (character >= '\x1c' && character <= '\x1f');
}

// Replaces each pair of spaces in the text after `start` by one space, and removes whitespace at the end.
void tidy(std::string& text, std::size_t start) {
    std::size_t to = start;
    for (std::size_t from = start; from < text.size(); ++from) {
        text[to++] = text[from];
        from += text[from] == ' ' && from + 1 != text.size() && text[from + 1] == ' ';
    }
    while (to != start && is_space(text[to - 1])) {
        --to;
    }
    text.resize(to);
}

}  // namespace

TypeNames::TypeNames(const Btf& btf, const std::vector<std::int64_t>& type_ids) {
    MeasuredText text(kMaxText);
    TypeSpeller speller(btf, text, TypeSpeller::Style::c);
    std::unordered_map<std::uint32_t, std::uint32_t> number_of;
    numbers_.reserve(type_ids.size());
    for (const std::int64_t wanted : type_ids) {
        const std::uint32_t id = btf.check_id(wanted);
        const auto [entry, is_new] = number_of.try_emplace(id, static_cast<std::uint32_t>(ends_.size()));
        if (is_new) {
            const std::size_t start = text.text().size();
            speller.type(id);
            tidy(text.text(), start);
            ends_.push_back(text.text().size());
        }
        numbers_.push_back(entry->second);
    }
    text_ = std::move(text.text());
}

}  // namespace btfmmap
