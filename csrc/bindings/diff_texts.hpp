#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bindings/text.hpp"
#include "bindings/view.hpp"
#include "core/diff/changes.hpp"
#include "core/diff/history.hpp"
#include "core/diff/rows.hpp"
#include "core/diff/spelling.hpp"

// What the bindings of histories and of changes share.
namespace btfmmap::bindings {

inline diff::Changes::Depth diff_depth(int depth) {
    if (depth < 0 || depth > 2) {
        throw pybind11::value_error("there is no depth " + std::to_string(depth));
    }
    return static_cast<diff::Changes::Depth>(depth);
}

// Names and spellings as Python objects, each made once.
class DiffTexts {
public:
    explicit DiffTexts(const diff::History& history) : history_(history) {}

    const pybind11::str& name(std::uint32_t number) {
        return made(names_[number], [&] { return to_str(history_.names().text(number)); });
    }
    const pybind11::str& type(std::uint32_t number) {
        return number == diff::kNone ? name(0) : made(types_[number], [&] {
            const std::string text = diff::spelled(history_.spellings(), history_.names(), number);
            size_.add(text.size());
            return to_str(text);
        });
    }
    // The text of one side of a change: a type, or tags.
    pybind11::str text(const diff::Side& side) {
        return side.tags == 0 ? type(side.type) : to_str(diff::tags_text(history_.names(), side.tags));
    }

private:
    template <class Make>
    static const pybind11::str& made(pybind11::object& text, Make make) {
        if (!text) {
            text = make();
        }
        return static_cast<const pybind11::str&>(text);
    }

    const diff::History& history_;
    std::unordered_map<std::uint32_t, pybind11::object> names_, types_;
    diff::SpelledSize size_;
};

// Sets an item of a list that was made with its size.
inline void set_item(pybind11::list& list, std::size_t index, pybind11::object item) {
    PyList_SET_ITEM(list.ptr(), static_cast<pybind11::ssize_t>(index), item.release().ptr());
}

// Returns a column with `get(item)` for each item.
template <class T, class Items, class Get>
View column_of(const Items& items, const char* format, Get get) {
    std::vector<T> values;
    values.reserve(items.size());
    for (const auto& item : items) {
        values.push_back(static_cast<T>(get(item)));
    }
    return view_of(std::move(values), format);
}

// Holds the mutex of a history. Waits for it without the GIL, which other threads need to release it.
class DiffLock {
public:
    explicit DiffLock(diff::History& history) : lock_(history.mutex(), std::defer_lock) { lock(); }

    // Calls a function without the mutex, such as one of a user, who may ask for more of the history. If it
    // throws, the mutex stays free.
    template <class Function>
    void without(Function function) {
        lock_.unlock();
        function();
        lock();
    }

private:
    void lock() {
        const pybind11::gil_scoped_release unlocked;
        lock_.lock();
    }

    std::unique_lock<std::mutex> lock_;
};

}  // namespace btfmmap::bindings
