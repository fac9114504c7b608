#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/bytes.hpp"
#include "core/base/endian.hpp"

namespace btfmmap {

// Returns the unsigned integer in at most eight bytes.
inline std::uint64_t load_integer(Bytes bytes, ByteOrder order) {
    const auto load = [bytes](auto loader) -> std::uint64_t {
        using Loader = decltype(loader);
        switch (bytes.size) {
            case 2:
                return Loader::u16(bytes.data);
            case 4:
                return Loader::u32(bytes.data);
            case 8:
                return Loader::u64(bytes.data);
            default:
                break;
        }
        std::uint64_t value = 0;
        for (std::size_t i = 0; i != bytes.size; ++i) {
            const std::size_t at = Loader::order == ByteOrder::big ? i : bytes.size - 1 - i;
            value = value << 8 | std::to_integer<std::uint64_t>(bytes.data[at]);
        }
        return value;
    };
    return with_byte_order(order, load);
}

// Interprets the lowest `bits` bits of a number as two's complement. `bits` is 1 to 64, and higher bits of
// the number must be 0.
constexpr std::uint64_t sign_extended(std::uint64_t value, unsigned bits) {
    const std::uint64_t sign = std::uint64_t{1} << (bits - 1);
    return (value ^ sign) - sign;
}

// An unsigned number of any number of bits, such as a bitfield or an __int128.
class WideNumber {
public:
    // `bytes` are those that the number touches. It starts `first` bits (0 to 7) after the start of the first
    // one. Bits count from a byte's low end; in big-endian data, from its high end.
    WideNumber(Bytes bytes, unsigned first, std::uint64_t bits, ByteOrder order)
        : bytes_(bytes),
          bits_(bits),
          shift_(order == ByteOrder::little
                     ? first
                     : static_cast<unsigned>(8 * std::uint64_t{bytes.size} - first - bits)),
          order_(order) {}

    // Returns the lowest 64 bits.
    std::uint64_t low() const {
        if (bytes_.size <= sizeof(std::uint64_t)) {
            const std::uint64_t value = load_integer(bytes_, order_) >> shift_;
            return bits_ < 64 ? value & ((std::uint64_t{1} << bits_) - 1) : value;
        }
        std::uint64_t value = 0;
        for (unsigned i = 0; i != sizeof value; ++i) {
            value |= std::uint64_t{byte(i)} << 8 * i;
        }
        return value;
    }

    // Returns the number of bytes up to the highest one that is not zero.
    std::uint64_t significant_bytes() const {
        std::uint64_t count = (bits_ + 7) / 8;
        while (count != 0 && byte(count - 1) == 0) {
            --count;
        }
        return count;
    }

    bool is_zero() const {
        return bytes_.size <= sizeof(std::uint64_t) ? low() == 0 : significant_bytes() == 0;
    }

    // Returns a byte of the number; byte 0 is the lowest.
    unsigned byte(std::uint64_t number) const {
        const std::uint64_t past = 8 * number < bits_ ? bits_ - 8 * number : 0;
        const unsigned mask = past < 8 ? (1U << past) - 1 : 0xff;
        return (stored(number) | stored(number + 1) << 8) >> shift_ & mask;
    }

private:
    unsigned stored(std::uint64_t number) const {
        if (number >= bytes_.size) {
            return 0;
        }
        const auto at = static_cast<std::size_t>(number);
        return std::to_integer<unsigned>(
            bytes_.data[order_ == ByteOrder::little ? at : bytes_.size - 1 - at]);
    }

    Bytes bytes_;
    std::uint64_t bits_;
    unsigned shift_;
    ByteOrder order_;
};

}  // namespace btfmmap
