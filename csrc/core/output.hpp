#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

namespace btfmmap {

// Text on its way out, gathered in a buffer of fixed size by a Pen. What is left at the end goes out by
// flush().
class Output {
public:
    // Called with pieces of the text; may throw, which ends the writing.
    using Sink = std::function<void(std::string_view)>;

    explicit Output(Sink sink) : sink_(std::move(sink)), buffer_(new char[kSize]), at_(buffer_.get()) {}

    void flush() { emptied(at_); }

private:
    friend class Pen;

    static constexpr std::size_t kSize = std::size_t{1} << 17;

    char* end() const { return buffer_.get() + kSize; }

    // Hands on what was written up to `at`; the place to write on from.
    char* emptied(const char* at) {
        at_ = buffer_.get();
        if (at != at_) {
            sink_({at_, static_cast<std::size_t>(at - at_)});
        }
        return at_;
    }

    Sink sink_;
    std::unique_ptr<char[]> buffer_;
    char* at_;
};

}  // namespace btfmmap
