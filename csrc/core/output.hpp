#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string_view>

namespace btfmmap {

// Text on its way out, gathered in a buffer of fixed size. What is left at the end goes out by flush().
class Output {
public:
    // Called with pieces of the text; may throw, which ends the writing.
    using Sink = std::function<void(std::string_view)>;

    explicit Output(Sink sink) : sink_(std::move(sink)), buffer_(new char[kSize]) {}

    void text(std::string_view text) {
        if (text.size() > kSize - used_) {
            flush();
            if (text.size() > kSize) {
                sink_(text);
                return;
            }
        }
        std::memcpy(buffer_.get() + used_, text.data(), text.size());
        used_ += text.size();
    }

    void number(std::uint64_t value) {
        char digits[20];
        char* at = digits + sizeof digits;
        do {
            *--at = static_cast<char>('0' + value % 10);
            value /= 10;
        } while (value != 0);
        text({at, static_cast<std::size_t>(digits + sizeof digits - at)});
    }

    void signed_number(std::int64_t value) {
        if (value < 0) {
            text("-");
        }
        const auto bits = static_cast<std::uint64_t>(value);
        number(value < 0 ? ~bits + 1 : bits);
    }

    void flush() {
        const std::size_t size = used_;
        used_ = 0;
        if (size != 0) {
            sink_({buffer_.get(), size});
        }
    }

private:
    static constexpr std::size_t kSize = std::size_t{1} << 17;

    Sink sink_;
    std::unique_ptr<char[]> buffer_;
    std::size_t used_ = 0;
};

}  // namespace btfmmap
