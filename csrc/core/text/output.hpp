#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

namespace btfmmap {

// Text on its way out, gathered in a buffer of fixed size by a TextWriter. What is left at the end goes out
// by flush().
class Output {
public:
#ifdef BTFMMAP_SMALL_PIECES
    // The fuzz targets are built so: most of what is written is near the end of a piece.
    static constexpr std::size_t kSize = std::size_t{1} << 10;
#else
    // Handing a piece to another thread costs as much as 30 KB of JSON; more than this, and the pieces of
    // both threads leave the processor's cache.
    static constexpr std::size_t kSize = std::size_t{1} << 18;
#endif

    using Buffer = std::unique_ptr<char[]>;  // of kSize bytes

    // Called with a piece of the text: how much of the buffer it is. May put another buffer in the place of
    // that one, and may throw, which ends the writing.
    using Sink = std::function<void(Buffer& buffer, std::size_t size)>;

    explicit Output(Sink sink) : sink_(std::move(sink)), buffer_(new char[kSize]), cursor_(buffer_.get()) {}

    void flush() { flush_until(cursor_); }

private:
    friend class TextWriter;

    char* end() const { return buffer_.get() + kSize; }

    // Hands on what was written up to `at`; the place to write on from.
    char* flush_until(const char* cursor) {
        if (cursor != buffer_.get()) {
            sink_(buffer_, static_cast<std::size_t>(cursor - buffer_.get()));
        }
        return cursor_ = buffer_.get();
    }

    Sink sink_;
    Buffer buffer_;
    char* cursor_;
};

}  // namespace btfmmap
