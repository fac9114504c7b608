#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/base/bytes.hpp"
#include "core/base/endian.hpp"
#include "core/simd/u8x16.hpp"
#include "core/text/output.hpp"

namespace btfmmap {

// A short text whose length the compiler need not know.
struct ShortText {
    char chars[16];
    std::uint8_t size;

    template <std::size_t length>
    constexpr ShortText(const char (&text)[length]) : chars{}, size(length - 1) {
        static_assert(length <= sizeof chars);
        for (std::size_t i = 0; i + 1 < length; ++i) {
            chars[i] = text[i];
        }
    }
};

// What a dump's letters are turned into: nothing here, they stand as they are.
struct Verbatim {
    // Marks NULs, and letters that are escaped.
    static U8x16 stop_mask(U8x16 chars) { return lane_mask(chars == 0); }
    // Returns the replacement of a character; empty if it is written as it is.
    static std::string_view escape(char) { return {}; }
};

// Writes into an Output's buffer at the speed of stores. Three things make the difference. The place is a
// local variable: letters may alias anything, so a place in memory would be loaded and stored again with each
// of them. Literals have a length that the compiler knows, so that they are a store or two. U16x8 and names
// go through a word or a vector at a time without a branch on their length: a number of up to eight digits is
// computed in one word, and a name is copied while its NUL is looked for.
// Room is not made for each of them, which would cost as much as what they write, but for a stretch of kSlack
// bytes: when the pen is made, in a string before its last letters, behind a text, and by room() in the body
// of a loop that has neither. What a record has between those is half of that at most.
// While a pen lives, the Output is written to through it only. The place stays out of memory only if all that
// is given the pen is inlined: hence [[gnu::flatten]] where it is made.
class TextWriter {
public:
    // The number of bytes after the cursor that may be written between two checks.
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

    // A word from a table, its letters in an array of constant size.
    void short_text(const ShortText& text) {
        std::memcpy(cursor_, text.chars, sizeof text.chars);
        cursor_ += text.size;
    }

    void text(std::string_view text) {
        if (text.size() > remaining()) {
            continue_at(text_in_parts(output_, cursor_, text));
        } else if (!text.empty()) {  // whose data() may be null
            append(text.data(), text.size());
        }
        ensure_slack();
    }

    void number(std::uint64_t value) {
        if (value < 100'000'000) {
            up_to_8_digits(static_cast<std::uint32_t>(value));
        } else {
            all_digits(value);
        }
    }

    void signed_number(std::int64_t value) {
        const auto bits = static_cast<std::uint64_t>(value);
        if (value < 0) {
            literal("-");
        }
        number(value < 0 ? ~bits + 1 : bits);
    }

    // A string up to its NUL or the end of `bytes`; `Escapes` is like Verbatim.
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
    static constexpr std::size_t kMaxDigits = 20;

    std::size_t remaining() const { return static_cast<std::size_t>(end_ - cursor_); }

    // The place may be in another buffer than before.
    void continue_at(char* cursor) {
        cursor_ = cursor;
        end_ = output_.end();
    }

    void append(const char* text, std::size_t size) {
        std::memcpy(cursor_, text, size);
        cursor_ += size;
    }

    // The rare cases are static and get the place by value: a pen whose address is known outside of its
    // function is in memory.
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

    // The digits are halved into lanes, of 4, then 2, then 1 each, the most significant in the lowest byte;
    // the divisions by 100 and 10 are multiplications that are exact for numbers this small.
    void up_to_8_digits(std::uint32_t value) {
        const std::uint64_t fours = value / 10'000 | std::uint64_t{value % 10'000} << 32;
        const std::uint64_t hundreds = fours * 10'486 >> 20 & 0x0000'007f'0000'007f;
        const std::uint64_t pairs = hundreds | (fours - hundreds * 100) << 16;
        const std::uint64_t tens = pairs * 103 >> 10 & 0x000f'000f'000f'000f;
        const std::uint64_t digits = tens | (pairs - tens * 10) << 8;
        // The last digit stands even if it is a zero.
        const auto zeros = static_cast<unsigned>(__builtin_ctzll(digits | std::uint64_t{1} << 56)) / 8;
        const std::uint64_t text = (digits | broadcast_byte('0')) >> zeros * 8;
        const std::uint64_t stored = kHostOrder == ByteOrder::little ? text : __builtin_bswap64(text);
        std::memcpy(cursor_, &stored, sizeof stored);
        cursor_ += 8 - zeros;
    }

    void all_digits(std::uint64_t value) {
        char digits[kMaxDigits];
        char* first = digits + sizeof digits;
        for (; value != 0; value /= 10) {
            *--first = static_cast<char>('0' + value % 10);
        }
        append(first, static_cast<std::size_t>(digits + sizeof digits - first));
    }

    Output& output_;
    char* cursor_;
    char* end_;
};

inline void write_text(Output& output, std::string_view text) { TextWriter(output).text(text); }

}  // namespace btfmmap
