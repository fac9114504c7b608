#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

namespace btfmmap {

// Collects text in a buffer of fixed size, which a TextWriter fills, and passes full buffers to a sink.
// flush() passes on the remaining text.
class Output {
public:
#ifdef BTFMMAP_SMALL_PIECES
    // Set for the fuzz targets, so that most writes are near the end of a buffer.
    static constexpr std::size_t kSize = std::size_t{1} << 10;
#else
    // Passing a buffer to another thread costs as much as writing 30 KB of JSON, so buffers are large. With
    // larger ones, those of both threads would not fit into the processor's cache.
    static constexpr std::size_t kSize = std::size_t{1} << 18;
#endif

    using Buffer = std::unique_ptr<char[]>;  // of kSize bytes, or of the size given to the constructor

    // Called with a buffer and the number of bytes in it that are used. May replace the buffer by another
    // one. May throw, which ends the output.
    using Sink = std::function<void(Buffer& buffer, std::size_t size)>;

    // A smaller buffer is made faster; it suits short texts. `size` is at least TextWriter::kSlack.
    explicit Output(Sink sink, std::size_t size = kSize)
        : sink_(std::move(sink)), size_(size), buffer_(new char[size]), cursor_(buffer_.get()) {}

    void flush() { flush_until(cursor_); }

private:
    friend class TextWriter;

    char* end() const { return buffer_.get() + size_; }

    // Passes the text before `cursor` to the sink. Returns where to continue writing.
    char* flush_until(const char* cursor) {
        if (cursor != buffer_.get()) {
            sink_(buffer_, static_cast<std::size_t>(cursor - buffer_.get()));
        }
        return cursor_ = buffer_.get();
    }

    Sink sink_;
    std::size_t size_;
    Buffer buffer_;
    char* cursor_;
};

}  // namespace btfmmap
