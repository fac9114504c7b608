#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace btfmmap {

enum class ByteOrder : std::uint8_t { little, big };

constexpr ByteOrder kHostOrder =
    __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ByteOrder::little : ByteOrder::big;

// Loads integers that are stored in one byte order, at any alignment.
template <ByteOrder from>
struct Load {
    static constexpr ByteOrder order = from;

    static std::uint16_t u16(const std::byte* at) {
        std::uint16_t value;
        std::memcpy(&value, at, sizeof value);
        return order == kHostOrder ? value : __builtin_bswap16(value);
    }

    static std::uint32_t u32(const std::byte* at) {
        std::uint32_t value;
        std::memcpy(&value, at, sizeof value);
        return order == kHostOrder ? value : __builtin_bswap32(value);
    }

    static std::uint64_t u64(const std::byte* at) {
        std::uint64_t value;
        std::memcpy(&value, at, sizeof value);
        return order == kHostOrder ? value : __builtin_bswap64(value);
    }
};

// Stores an integer in a byte order, at any alignment.
inline void store_u32(std::byte* at, std::uint32_t value, ByteOrder order) {
    if (order != kHostOrder) {
        value = __builtin_bswap32(value);
    }
    std::memcpy(at, &value, sizeof value);
}

inline void store_u16(std::byte* at, std::uint16_t value, ByteOrder order) {
    if (order != kHostOrder) {
        value = __builtin_bswap16(value);
    }
    std::memcpy(at, &value, sizeof value);
}

// Calls `work` with the Load of `order`, so that its loops are compiled once for each byte order.
template <class Work>
decltype(auto) with_byte_order(ByteOrder order, Work&& work) {
    return order == ByteOrder::little ? work(Load<ByteOrder::little>{}) : work(Load<ByteOrder::big>{});
}

}  // namespace btfmmap
