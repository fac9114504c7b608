#pragma once

#include <cstdint>
#include <cstring>
#include <memory>

#include "core/input/mapping.hpp"

namespace btfmmap::fuzz {

// The fuzzer's bytes, cut into the parts that a target needs.
class Input {
public:
    // `how` says whether the target changes the bytes of parts: How::buffer, or How::read.
    Input(const std::uint8_t* data, std::size_t size, How how = How::read)
        : data_(data), size_(size), how_(how) {}

    bool empty() const { return size_ == 0; }

    // Takes 16 bits, little-endian; 0 at the end of the input.
    std::size_t number() {
        if (size_ < 2) {
            size_ = 0;
            return 0;
        }
        const std::size_t value = data_[0] | std::size_t{data_[1]} << 8;
        skip(2);
        return value;
    }

    // Copies the bytes to memory of exactly their size, so that the sanitizer sees each byte read past the
    // end.
    Mapping part(std::size_t size) {
        size = size < size_ ? size : size_;
        const std::shared_ptr<std::byte> copy(new std::byte[size], std::default_delete<std::byte[]>());
        if (size != 0) {
            std::memcpy(copy.get(), data_, size);
        }
        skip(size);
        return {copy, size, how_};
    }

    // Takes a part that is preceded by its size.
    Mapping sized_part() { return part(number()); }

    Mapping rest() { return part(size_); }

private:
    void skip(std::size_t size) {
        data_ += size;
        size_ -= size;
    }

    const std::uint8_t* data_;
    std::size_t size_;
    How how_;
};

}  // namespace btfmmap::fuzz
