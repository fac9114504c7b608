#include "core/decode/bitfield.hpp"

namespace btfmmap {

namespace {

// Reads `size` bytes, 1 to 8, as an integer. The loads may overlap; none leaves the bytes.
template <class Load, unsigned size>
std::uint64_t load(const std::byte* at) {
    // The parts of an integer from the first byte on, and from a later one to the last.
    const auto joined = [](std::uint64_t first, unsigned first_size, std::uint64_t last, unsigned skipped) {
        return Load::order == ByteOrder::little ? first | last << (8 * skipped)
                                                : first << (8 * (size - first_size)) | last;
    };
    if constexpr (size == 1) {
        return static_cast<std::uint64_t>(*at);
    } else if constexpr (size == 2) {
        return Load::u16(at);
    } else if constexpr (size == 3) {
        return joined(Load::u16(at), 2, static_cast<std::uint64_t>(at[2]), 2);
    } else if constexpr (size == 4) {
        return Load::u32(at);
    } else if constexpr (size < 8) {
        return joined(Load::u32(at), 4, Load::u32(at + size - 4), size - 4);
    } else {
        return Load::u64(at);
    }
}

// Reads one bitfield of `size` bytes.
template <class Load, unsigned size>
struct Reader {
    unsigned low;   // bits below the bitfield, in the last 8 bytes
    unsigned left;  // shift that moves the highest bit to bit 63
    unsigned down;  // shift that moves the lowest bit to bit 0 again

    Reader(unsigned shift, unsigned bits) : left(64 - bits), down(64 - bits) {
        low = Load::order == ByteOrder::little ? shift : 8 * size - shift - bits;
    }

    // Returns the value in the highest bits of 64.
    std::uint64_t top(const std::byte* at) const {
        if constexpr (size < 9) {
            return load<Load, size>(at) >> low << left;
        } else {
            // More than 64 bits: `low` is 1 to 7.
            const std::uint64_t value =
                Load::order == ByteOrder::little
                    ? Load::u64(at) >> low | static_cast<std::uint64_t>(at[8]) << (64 - low)
                    : Load::u64(at) << (8 - low) | static_cast<std::uint64_t>(at[8]) >> low;
            return value << left;
        }
    }

    std::uint64_t unsigned_value(const std::byte* at) const { return top(at) >> down; }

    std::uint64_t signed_value(const std::byte* at) const {
        return static_cast<std::uint64_t>(static_cast<std::int64_t>(top(at)) >> down);
    }
};

template <class Load, class Work>
decltype(auto) with_size(unsigned shift, unsigned bits, unsigned size, Work&& work) {
    switch (size) {
        case 1:
            return work(Reader<Load, 1>(shift, bits));
        case 2:
            return work(Reader<Load, 2>(shift, bits));
        case 3:
            return work(Reader<Load, 3>(shift, bits));
        case 4:
            return work(Reader<Load, 4>(shift, bits));
        case 5:
            return work(Reader<Load, 5>(shift, bits));
        case 6:
            return work(Reader<Load, 6>(shift, bits));
        case 7:
            return work(Reader<Load, 7>(shift, bits));
        case 8:
            return work(Reader<Load, 8>(shift, bits));
        default:
            return work(Reader<Load, 9>(shift, bits));
    }
}

// Calls `work` with the Reader of a bitfield, so that its loops are compiled once for each size and order.
template <class Work>
decltype(auto) with_reader(ByteOrder order, unsigned shift, unsigned bits, unsigned size, Work&& work) {
    return with_byte_order(order,
                           [&](auto load) { return with_size<decltype(load)>(shift, bits, size, work); });
}

template <class Value, class Read>
void fill(const std::byte* at, std::ptrdiff_t stride, std::size_t count, Value* values, Read read) {
    for (std::size_t i = 0; i != count; ++i) {
        // Computed again, because `at` must not pass the last record.
        values[i] = read(at + static_cast<std::ptrdiff_t>(i) * stride);
    }
}

}  // namespace

std::uint64_t Bitfield::read(const std::byte* at) const {
    return with_reader(order_, shift_, bits_, bytes(), [&](auto reader) {
        return is_signed_ ? reader.signed_value(at) : reader.unsigned_value(at);
    });
}

void Bitfield::read(const std::byte* at, std::ptrdiff_t stride, std::size_t count,
                    std::uint64_t* values) const {
    with_reader(order_, shift_, bits_, bytes(), [&](auto reader) {
        if (is_signed_) {
            fill(at, stride, count, values, [&](const std::byte* each) { return reader.signed_value(each); });
        } else {
            fill(at, stride, count, values,
                 [&](const std::byte* each) { return reader.unsigned_value(each); });
        }
    });
}

void Bitfield::read(const std::byte* at, std::ptrdiff_t stride, std::size_t count, bool* values) const {
    with_reader(order_, shift_, bits_, bytes(), [&](auto reader) {
        fill(at, stride, count, values, [&](const std::byte* each) { return reader.top(each) != 0; });
    });
}

}  // namespace btfmmap
