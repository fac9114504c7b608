#pragma once

#include <atomic>
#include <mutex>
#include <optional>

namespace btfmmap {

// A value that is built on first use. Thread-safe. If building throws, the next use builds it again.
//
// std::call_once would do the same, but an exception must not leave it here: glibc's pthread_once unwinds
// with the shared libgcc, and an extension that contains a libgcc of its own is then aborted.
template <class T>
class Lazy {
public:
    template <class Build>
    const T& get(Build build) const {
        if (!is_built()) {
            const std::lock_guard<std::mutex> lock(mutex_);
            if (!value_.has_value()) {
                value_.emplace(build());
                built_.store(true, std::memory_order_release);
            }
        }
        return *value_;
    }

    bool is_built() const { return built_.load(std::memory_order_acquire); }

private:
    mutable std::mutex mutex_;
    mutable std::atomic<bool> built_{false};
    mutable std::optional<T> value_;
};

}  // namespace btfmmap
