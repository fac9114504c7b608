#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/diff/history.hpp"
#include "core/diff/spelling.hpp"
#include "core/diff_report/lines.hpp"

namespace btfmmap::diff {

// Types as C spells them, printable. Each is made once.
class TypeTexts {
public:
    explicit TypeTexts(const History& history) : history_(history), texts_(history.spellings().size()) {}

    // Returns the text of a spelling; an empty one for kNone. Throws Error (not_supported) if all of them
    // exceed a limit. Valid as long as the object.
    std::string_view of(std::uint32_t spelling) {
        if (spelling == kNone) {
            return {};
        }
        std::string& text = texts_[spelling];
        if (text.empty()) {
            append_printable(text, spelled(history_.spellings(), history_.names(), spelling));
            size_.add(text.size());
        }
        return text;
    }

private:
    const History& history_;
    std::vector<std::string> texts_;  // by number; empty if not made yet
    SpelledSize size_;
};

}  // namespace btfmmap::diff
