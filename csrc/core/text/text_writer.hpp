#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/base/bytes.hpp"
#include "core/base/endian.hpp"
#include "core/base/short_text.hpp"
#include "core/simd/u8x16.hpp"
#include "core/text/output.hpp"

namespace btfmmap {

// Escape policy for TextWriter::string() that leaves all characters as they are.
struct Verbatim {
    // Selects NULs and the characters to escape.
    static U8x16 stop_mask(U8x16 chars) { return lane_mask(chars == 0); }
    // Returns the text to write instead of a character, or an empty string to write the character itself.
    static std::string_view escape(char) { return {}; }
};

// Writes into an Output's buffer at the speed of plain stores. Three techniques make this possible:
//
// - The cursor is a local variable. A char may alias any object, so a cursor in memory would be loaded and
//   stored again for each character written.
// - Literals have a compile-time length and become one or two stores.
// - Numbers and names are written eight or sixteen bytes at a time, without a branch on their length. A
//   number of up to eight digits is computed in one 64-bit integer, and a name is copied while its NUL is
//   searched for.
//
// Capacity is checked once per block of writes: a check would cost as much as a write itself. Each check
// ensures that kSlack bytes are free. The constructor, text() and string() check. A loop body that calls
// neither text() nor string() must call ensure_slack(). Callers write at most kSlack / 2 bytes between two
// checks; the rest is a margin.
//
// While a TextWriter exists, write to the Output only through it. The cursor stays out of memory only if
// every function that takes the writer is inlined. Functions that construct a TextWriter are therefore
// marked [[gnu::flatten]].
class TextWriter {
public:
    // The number of bytes that are free after each check. Callers use at most half of them.
    static constexpr std::size_t kSlack = 512;
    static_assert(Output::kSize >= kSlack);

    explicit TextWriter(Output& output) : output_(output), cursor_(output.cursor_), end_(output.end()) {
        ensure_slack();
    }
    ~TextWriter() { output_.cursor_ = cursor_; }
    TextWriter(const TextWriter&) = delete;
    TextWriter& operator=(const TextWriter&) = delete;

    void ensure_slack() {
        if (remaining() < kSlack) {
            continue_at(output_.flush_until(cursor_));
        }
    }

    template <std::size_t size>
    void literal(const char (&text)[size]) {
        static_assert(size <= kSlack / 4);
        append(text, size - 1);
    }

    // Copies an array of constant size, and advances by the length of the text.
    void short_text(const ShortText& text) {
        std::memcpy(cursor_, text.chars, sizeof text.chars);
        cursor_ += text.size;
    }

    void text(std::string_view text) {
        if (text.size() > remaining()) {
            continue_at(text_in_parts(output_, cursor_, text));
        } else if (!text.empty()) {  // the data() of an empty text may be null
            append(text.data(), text.size());
        }
        ensure_slack();
    }

    void number(std::uint64_t value) {
        if (value < k8Digits) {
            up_to_8_digits(static_cast<std::uint32_t>(value));
        } else {
            more_than_8_digits(value);
        }
    }

    void signed_number(std::int64_t value) {
        const auto bits = static_cast<std::uint64_t>(value);
        if (value < 0) {
            literal("-");
        }
        number(value < 0 ? ~bits + 1 : bits);
    }

    // Writes a string up to its NUL or the end of `bytes`. `Escapes` is an escape policy like Verbatim.
    template <class Escapes>
    void string(Bytes bytes) {
        const std::byte* from = bytes.data;
        const std::byte* end = from + bytes.size;
        while (static_cast<std::size_t>(end - from) >= sizeof(U8x16)) {
            const auto chars = load_vector<U8x16>(from);
            const unsigned stop = first_set_lane(Escapes::stop_mask(chars));
            ensure_slack();
            std::memcpy(cursor_, &chars, sizeof chars);
            if (stop != sizeof chars) {
                if (from[stop] != std::byte{0}) {
                    break;
                }
                cursor_ += stop;
                return;
            }
            cursor_ += sizeof chars;
            from += sizeof chars;
        }
        continue_at(string_bytewise<Escapes>(output_, cursor_, {from, static_cast<std::size_t>(end - from)}));
        ensure_slack();
    }

private:
    std::size_t remaining() const { return static_cast<std::size_t>(end_ - cursor_); }

    // Moves the cursor, possibly to another buffer.
    void continue_at(char* cursor) {
        cursor_ = cursor;
        end_ = output_.end();
    }

    void append(const char* text, std::size_t size) {
        std::memcpy(cursor_, text, size);
        cursor_ += size;
    }

    // The rare cases are handled by static functions that take the cursor by value, because a TextWriter
    // whose address escapes is kept in memory.
    [[gnu::noinline]] static char* text_in_parts(Output& output, char* cursor, std::string_view text) {
        output.cursor_ = cursor;
        TextWriter writer(output);
        while (!text.empty()) {
            writer.ensure_slack();
            const std::size_t part = text.size() < writer.remaining() ? text.size() : writer.remaining();
            writer.append(text.data(), part);
            text.remove_prefix(part);
        }
        return writer.cursor_;
    }

    template <class Escapes>
    [[gnu::noinline]] static char* string_bytewise(Output& output, char* cursor, Bytes bytes) {
        output.cursor_ = cursor;
        TextWriter writer(output);
        const std::byte* end = bytes.data + bytes.size;
        for (const std::byte* from = bytes.data; from != end && *from != std::byte{0}; ++from) {
            const char character = static_cast<char>(*from);
            const std::string_view escape = Escapes::escape(character);
            writer.text(escape.empty() ? std::string_view(&character, 1) : escape);
        }
        return writer.cursor_;
    }

    static constexpr std::uint32_t k8Digits = 100'000'000;

    // Returns eight digits, the most significant in the lowest byte. Splits the value into lanes of 4, then
    // 2, then 1 digits. The divisions by 100 and 10 are multiplications that are exact for numbers this
    // small.
    static std::uint64_t split_into_digits(std::uint32_t value) {
        const std::uint64_t fours = value / 10'000 | std::uint64_t{value % 10'000} << 32;
        const std::uint64_t hundreds = fours * 10'486 >> 20 & 0x0000'007f'0000'007f;
        const std::uint64_t pairs = hundreds | (fours - hundreds * 100) << 16;
        const std::uint64_t tens = pairs * 103 >> 10 & 0x000f'000f'000f'000f;
        return tens | (pairs - tens * 10) << 8;
    }

    void digits_without_first(std::uint64_t digits, unsigned omitted) {
        const std::uint64_t text = (digits | broadcast_byte('0')) >> omitted * 8;
        const std::uint64_t stored = kHostOrder == ByteOrder::little ? text : __builtin_bswap64(text);
        std::memcpy(cursor_, &stored, sizeof stored);
        cursor_ += 8 - omitted;
    }

    void up_to_8_digits(std::uint32_t value) {
        const std::uint64_t digits = split_into_digits(value);
        // The last digit is written even if it is a zero.
        digits_without_first(digits,
                             static_cast<unsigned>(__builtin_ctzll(digits | std::uint64_t{1} << 56)) / 8);
    }

    void more_than_8_digits(std::uint64_t value) {
        const std::uint64_t high = value / k8Digits;
        if (high >= k8Digits) {
            up_to_8_digits(static_cast<std::uint32_t>(high / k8Digits));
            digits_without_first(split_into_digits(static_cast<std::uint32_t>(high % k8Digits)), 0);
        } else {
            up_to_8_digits(static_cast<std::uint32_t>(high));
        }
        digits_without_first(split_into_digits(static_cast<std::uint32_t>(value % k8Digits)), 0);
    }

    Output& output_;
    char* cursor_;
    char* end_;
};

inline void write_text(Output& output, std::string_view text) { TextWriter(output).text(text); }

}  // namespace btfmmap
