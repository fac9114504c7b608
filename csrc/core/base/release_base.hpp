#pragma once

#include <memory>
#include <utility>

namespace btfmmap {

// Releases the base of an object, in its destructor. The bases of bases are released one after the other: the
// default destructor would need a stack frame for each.
template <class T>
void release_base(std::shared_ptr<const T>& base) {
    static thread_local std::shared_ptr<const T>* next = nullptr;  // where a destroyed object leaves its base
    if (next != nullptr && *next == nullptr) {
        *next = std::move(base);
        return;
    }
    std::shared_ptr<const T> left;
    std::shared_ptr<const T>* const outer = std::exchange(next, &left);
    for (auto current = std::move(base); current != nullptr; current = std::move(left)) {
        current.reset();  // if it is destroyed, its base is in `left`
    }
    next = outer;
}

}  // namespace btfmmap
