#include "core/diff_report/entity_lines.hpp"

#include <optional>
#include <string_view>

#include "core/format/wire_format.hpp"

namespace btfmmap::diff {

namespace {

using std::size_t;
using std::string;
using std::string_view;
using std::uint32_t;

constexpr size_t kIndent = 4;
constexpr uint32_t kSigned = 1, kChar = 2, kBool = 4;  // in the encoding of an INT
constexpr uint32_t kKnownBits = 0x07ff00ff;            // of its word

bool is_of_member(Change change) {
    return change >= Change::member_added && change <= Change::member_embedded;
}

char mark_of(Change change) {
    switch (change) {
        case Change::enumerator_added:
        case Change::parameter_added:
            return '+';
        case Change::enumerator_removed:
        case Change::parameter_removed:
            return '-';
        default:
            return ' ';
    }
}

string value_text(const Side& side) {
    return side.is_unsigned ? std::to_string(static_cast<std::uint64_t>(side.value))
                            : std::to_string(side.value);
}

string linkage_text(std::int64_t linkage) {
    constexpr string_view names[] = {"static", "global", "extern"};
    return linkage >= 0 && linkage < 3 ? string(names[linkage]) : std::to_string(linkage);
}

string sign_text(bool is_signed) { return is_signed ? "signed" : "unsigned"; }

string hexadecimal(uint32_t word) {
    constexpr string_view digits = "0123456789abcdef";
    string text = "0x";
    for (int shift = 28; shift >= 0; shift -= 4) {
        text += digits[word >> shift & 15];
    }
    return text;
}

// Returns the encoding of an INT. What is the same in the other kernel is left out, but not the sign.
string encoding_text(uint32_t word, uint32_t other) {
    const uint32_t differing = word ^ other;
    if ((differing & ~kKnownBits) != 0) {
        return "encoding " + hexadecimal(word);
    }
    const uint32_t encoding = int_encoding(word);
    string text = sign_text((encoding & kSigned) != 0);
    text += (encoding & kChar) != 0 ? " char" : "";
    text += (encoding & kBool) != 0 ? " bool" : "";
    if (int_bits(differing) != 0) {
        text += ", " + std::to_string(int_bits(word)) + " bits";
    }
    if (int_bit_offset(differing) != 0) {
        text += " at bit " + std::to_string(int_bit_offset(word));
    }
    return text;
}

// Returns by how much the value of an enumerator grew, unless that needs more than 64 bits.
std::optional<std::int64_t> distance(const Row& row) {
    const auto unsigned_value = [](const Side& side) { return static_cast<std::uint64_t>(side.value); };
    const Side& before = row.before;
    const Side& after = row.after;
    std::int64_t grown;
    const bool overflows =
        after.is_unsigned
            ? (before.is_unsigned
                   ? __builtin_sub_overflow(unsigned_value(after), unsigned_value(before), &grown)
                   : __builtin_sub_overflow(unsigned_value(after), before.value, &grown))
            : (before.is_unsigned ? __builtin_sub_overflow(after.value, unsigned_value(before), &grown)
                                  : __builtin_sub_overflow(after.value, before.value, &grown));
    return overflows ? std::nullopt : std::optional(grown);
}

}  // namespace

string headline(Class class_, const Row* rows, uint32_t count) {
    string text;
    for (const Row* row = rows; row != rows + count; ++row) {
        if (row->change == Change::size) {
            text += ", ";
            append_number(text, static_cast<std::uint64_t>(row->before.size));
            text += " -> ";
            append_number(text, static_cast<std::uint64_t>(row->after.size));
            text += " bytes";
        } else if (row->change == Change::signedness && class_ == Class::base) {
            const auto before = static_cast<uint32_t>(row->before.value),
                       after = static_cast<uint32_t>(row->after.value);
            text += " (" + encoding_text(before, after) + " -> " + encoding_text(after, before) + ")";
        }
    }
    return text;
}

void EntityLines::write(Class class_, const Row* rows, uint32_t count) {
    of_members_.clear();
    renumbered_.clear();
    for (const Row* row = rows; row != rows + count; ++row) {
        if (is_of_member(row->change)) {
            of_members_.push_back(row);
        } else if (row->change == Change::enumerator_value) {
            renumbered_.push_back(row);
        } else if (row->change != Change::size &&
                   !(row->change == Change::signedness && class_ == Class::base)) {
            write_sentence(*row);
        }
    }
    write_renumbered();
    if (!of_members_.empty()) {
        members_.write(of_members_);
    }
}

void EntityLines::append_name(const Side& side) { append_printable(line_, history_.names().text(side.path)); }

void EntityLines::append_tags(const Side& side) {
    const string tags = tags_text(history_.names(), side.tags);
    append_printable(line_, tags.empty() ? "none" : tags);
}

void EntityLines::append_change(const Side& before, const Side& after) {
    line_ += types_.of(before.type);
    line_ += " -> ";
    line_ += types_.of(after.type);
}

void EntityLines::write_sentence(const Row& row) {
    const Side& before = row.before;
    const Side& after = row.after;
    const Side& side = after.path != 0 ? after : before;  // with the name
    line_ = {mark_of(row.change), ' '};
    switch (row.change) {
        case Change::alignment:
            line_ += "alignment " + std::to_string(before.size) + " -> " + std::to_string(after.size);
            break;
        case Change::tags:
            line_ += "tags ";
            append_tags(before);
            line_ += " -> ";
            append_tags(after);
            break;
        case Change::linkage:
            line_ += "linkage " + linkage_text(before.value) + " -> " + linkage_text(after.value);
            break;
        case Change::signedness:
            line_ += sign_text(before.value != 0) + " -> " + sign_text(after.value != 0);
            break;
        case Change::grouping:
            line_ += "members are grouped otherwise";
            break;
        case Change::enumerator_added:
        case Change::enumerator_removed:
            append_name(side);
            line_ += " = " + value_text(row.change == Change::enumerator_added ? after : before);
            break;
        case Change::enumerator_renamed:
            append_name(before);
            line_ += " -> ";
            append_name(after);
            line_ += " = " + value_text(after);
            break;
        case Change::parameter_added:
        case Change::parameter_removed:
            append_name(side);
            line_ += ": ";
            line_ += types_.of(side.type);
            break;
        case Change::parameter_reordered:
            line_ += "parameters are in another order";
            break;
        case Change::parameter_renamed:
            append_name(before);
            line_ += " -> ";
            append_name(after);
            line_ += ": ";
            line_ += types_.of(after.type);
            break;
        case Change::parameter_type:
            append_name(side);
            line_ += ": ";
            append_change(before, after);
            break;
        case Change::return_type:
            line_ += "returns ";
            append_change(before, after);
            break;
        case Change::variadic:
            line_ += after.value != 0 ? "takes more arguments" : "takes no more arguments";
            break;
        case Change::type:
            append_change(before, after);
            break;
        default:  // what is embedded changed
            if (side.path != 0) {
                append_name(side);
                line_ += ": ";
            }
            line_ += types_.of(after.type);
            line_ += " changed inside";
    }
    lines_.add_wrapped(line_, kIndent);
}

// Writes the enumerators whose value changed. Those that follow each other and changed by the same distance
// are one line.
void EntityLines::write_renumbered() {
    for (size_t start = 0, end; start != renumbered_.size(); start = end) {
        const Row& first = *renumbered_[start];
        const auto by = distance(first);
        for (end = start + 1; by && end != renumbered_.size() && distance(*renumbered_[end]) == by; ++end) {
        }
        line_ = "  ";
        append_name(first.before);
        line_ += " " + value_text(first.before) + " -> " + value_text(first.after);
        if (end - start > 1) {
            line_ += " ... ";
            append_name(renumbered_[end - 1]->before);
            line_ += ": ";
            append_number(line_, end - start);
            line_ += " values by ";
            line_ += *by < 0 ? "" : "+";
            line_ += std::to_string(*by);
        }
        lines_.add_wrapped(line_, kIndent);
    }
}

}  // namespace btfmmap::diff
