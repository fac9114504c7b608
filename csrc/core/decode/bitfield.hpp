#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/endian.hpp"

namespace btfmmap {

// The position of a bitfield in the bytes that it occupies.
//
// `shift` is the number of bits before the bitfield in those bytes: the lower bits of the first byte, or the
// higher bits in a big-endian file.
class Bitfield {
public:
    static constexpr unsigned kMaxBytes = 9;  // of 64 bits that start within a byte

    // `shift` must be less than 8, and `bits` in 1 to 64.
    Bitfield(ByteOrder order, unsigned shift, unsigned bits, bool is_signed)
        : shift_(static_cast<std::uint8_t>(shift)),
          bits_(static_cast<std::uint8_t>(bits)),
          order_(order),
          is_signed_(is_signed) {}

    // Returns the number of bytes that the bitfield occupies: 1 to kMaxBytes.
    unsigned bytes() const { return (shift_ + bits_ + 7U) / 8; }

    bool is_signed() const { return is_signed_; }

    // Returns the value in the bytes at `at`, extended to 64 bits. Reads bytes() bytes.
    std::uint64_t read(const std::byte* at) const;

    // Writes the values of `count` records to `values`. The bytes of the first are at `at`, and those of each
    // other one are `stride` bytes after those before it.
    void read(const std::byte* at, std::ptrdiff_t stride, std::size_t count, std::uint64_t* values) const;

    // Writes whether each value is not 0.
    void read(const std::byte* at, std::ptrdiff_t stride, std::size_t count, bool* values) const;

private:
    std::uint8_t shift_;
    std::uint8_t bits_;
    ByteOrder order_;
    bool is_signed_;
};

}  // namespace btfmmap
