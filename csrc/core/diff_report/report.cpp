#include "core/diff_report/report.hpp"

#include <algorithm>
#include <utility>

#include "core/diff_report/entity_lines.hpp"

namespace btfmmap::diff {

using std::size_t;
using std::string;
using std::string_view;

namespace {

// What precedes the name of an entity, by class.
constexpr std::array<string_view, kClasses> kWords = {"struct",  "union",    "enum",       "function",
                                                      "typedef", "variable", "tracepoint", "type"};

}  // namespace

Report::Report(std::shared_ptr<const Changes> changes, Changes::Depth depth,
               const std::vector<std::uint8_t>& selected)
    : changes_(std::move(changes)) {
    for (const Changes::Changed& each : changes_->changed(depth, selected)) {
        const auto class_ = static_cast<size_t>(entity(each).class_);
        const Change first = changes_->rows()[each.row].change;
        if (first == Change::added || first == Change::removed) {
            single_[class_].push_back(each);
        } else if (each.own || depth == Changes::Depth::deep) {
            changed_[class_].push_back(each);
        }
    }
}

std::vector<string_view> Report::names(Class class_, Change change, size_t limit) const {
    std::vector<string_view> found;
    for (const Changes::Changed& each : single_[static_cast<size_t>(class_)]) {
        if (changes_->rows()[each.row].change == change) {
            found.push_back(changes_->history().names().text(entity(each).name));
        }
    }
    const size_t shown = std::min(found.size(), limit);
    std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(shown), found.end());
    found.resize(shown);
    return found;
}

void Report::write(Class class_, Lines& lines) const {
    const History& history = changes_->history();
    EntityLines below(history, lines);
    string line;
    for (const Changes::Changed& each : changed_[static_cast<size_t>(class_)]) {
        const Row* rows = changes_->rows().data() + each.row;
        line = kWords[static_cast<size_t>(class_)];
        line += ' ';
        append_printable(line, history.names().text(entity(each).name));
        line += headline(class_, rows, each.rows);
        line += each.own ? "" : " (follows)";
        lines.add_wrapped(line, 2);
        below.write(class_, rows, each.rows);
    }
    lines.flush();
}

string Report::headline_of(std::uint32_t entity) const {
    const auto [first, count] = changes_->rows_of(entity);
    return headline(changes_->history().entities()[entity].class_, first, count);
}

}  // namespace btfmmap::diff
