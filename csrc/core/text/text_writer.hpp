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
    char letters[16];
    std::uint8_t size;

    template <std::size_t length>
    constexpr ShortText(const char (&text)[length]) : letters{}, size(length - 1) {
        static_assert(length <= sizeof letters);
        for (std::size_t i = 0; i + 1 < length; ++i) {
            letters[i] = text[i];
        }
    }
};

// What a dump's letters are turned into: nothing here, they stand as they are.
struct Verbatim {
    // Marks NULs, and letters that are escaped.
    static U8x16 stops(U8x16 letters) { return lane_mask(letters == 0); }
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
    static constexpr std::size_t kSlack = 512;
    static_assert(Output::kSize >= kSlack);

    explicit TextWriter(Output& output) : output_(output), at_(output.at_), end_(output.end()) { room(); }
    ~TextWriter() { output_.at_ = at_; }
    TextWriter(const TextWriter&) = delete;
    TextWriter& operator=(const TextWriter&) = delete;

    void room() {
        if (space() < kSlack) {
            go_on_at(output_.emptied(at_));
        }
    }

    template <std::size_t size>
    void literal(const char (&text)[size]) {
        static_assert(size <= kSlack / 4);
        put(text, size - 1);
    }

    // A word from a table, its letters in an array of constant size.
    void word(const ShortText& word) {
        std::memcpy(at_, word.letters, sizeof word.letters);
        at_ += word.size;
    }

    void text(std::string_view text) {
        if (text.size() > space()) {
            go_on_at(long_text(output_, at_, text));
        } else if (!text.empty()) {  // which may have no address
            put(text.data(), text.size());
        }
        room();
    }

    void number(std::uint64_t value) {
        if (value < 100'000'000) {
            eight_digits(static_cast<std::uint32_t>(value));
        } else {
            many_digits(value);
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
            const auto letters = load_vector<U8x16>(from);
            const unsigned stop = first_marked(Escapes::stops(letters));
            room();
            std::memcpy(at_, &letters, sizeof letters);
            if (stop != sizeof letters) {
                if (from[stop] != std::byte{0}) {
                    break;
                }
                at_ += stop;
                return;
            }
            at_ += sizeof letters;
            from += sizeof letters;
        }
        go_on_at(by_letters<Escapes>(output_, at_, {from, static_cast<std::size_t>(end - from)}));
        room();
    }

private:
    static constexpr std::size_t kMostDigits = 20;

    std::size_t space() const { return static_cast<std::size_t>(end_ - at_); }

    // The place may be in another buffer than before.
    void go_on_at(char* at) {
        at_ = at;
        end_ = output_.end();
    }

    void put(const char* text, std::size_t size) {
        std::memcpy(at_, text, size);
        at_ += size;
    }

    // The rare cases are static and get the place by value: a pen whose address is known outside of its
    // function is in memory.
    [[gnu::noinline]] static char* long_text(Output& output, char* at, std::string_view text) {
        output.at_ = at;
        TextWriter writer(output);
        while (!text.empty()) {
            writer.room();
            const std::size_t part = text.size() < writer.space() ? text.size() : writer.space();
            writer.put(text.data(), part);
            text.remove_prefix(part);
        }
        return writer.at_;
    }

    template <class Escapes>
    [[gnu::noinline]] static char* by_letters(Output& output, char* at, Bytes bytes) {
        output.at_ = at;
        TextWriter writer(output);
        const std::byte* end = bytes.data + bytes.size;
        for (const std::byte* from = bytes.data; from != end && *from != std::byte{0}; ++from) {
            const char letter = static_cast<char>(*from);
            const std::string_view escape = Escapes::escape(letter);
            writer.text(escape.empty() ? std::string_view(&letter, 1) : escape);
        }
        return writer.at_;
    }

    // The digits are halved into lanes, of 4, then 2, then 1 each, the most significant in the lowest byte;
    // the divisions by 100 and 10 are multiplications that are exact for numbers this small.
    void eight_digits(std::uint32_t value) {
        const std::uint64_t fours = value / 10'000 | std::uint64_t{value % 10'000} << 32;
        const std::uint64_t hundreds = fours * 10'486 >> 20 & 0x0000'007f'0000'007f;
        const std::uint64_t pairs = hundreds | (fours - hundreds * 100) << 16;
        const std::uint64_t tens = pairs * 103 >> 10 & 0x000f'000f'000f'000f;
        const std::uint64_t digits = tens | (pairs - tens * 10) << 8;
        // The last digit stands even if it is a zero.
        const auto zeros = static_cast<unsigned>(__builtin_ctzll(digits | std::uint64_t{1} << 56)) / 8;
        const std::uint64_t text = (digits | every_byte('0')) >> zeros * 8;
        const std::uint64_t stored = kHostOrder == ByteOrder::little ? text : __builtin_bswap64(text);
        std::memcpy(at_, &stored, sizeof stored);
        at_ += 8 - zeros;
    }

    void many_digits(std::uint64_t value) {
        char digits[kMostDigits];
        char* first = digits + sizeof digits;
        for (; value != 0; value /= 10) {
            *--first = static_cast<char>('0' + value % 10);
        }
        put(first, static_cast<std::size_t>(digits + sizeof digits - first));
    }

    Output& output_;
    char* at_;
    char* end_;
};

inline void write_text(Output& output, std::string_view text) { TextWriter(output).text(text); }

}  // namespace btfmmap
