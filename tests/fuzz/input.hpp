#pragma once

#include <cstdint>
#include <cstring>
#include <memory>

#include "core/input/mapping.hpp"

namespace btfmmap::fuzz {

// What libFuzzer gives, cut into the parts that a target needs.
class Input {
public:
    Input(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

    bool empty() const { return size_ == 0; }

    // 16 bits, little-endian; 0 where there are none left.
    std::size_t number() {
        if (size_ < 2) {
            size_ = 0;
            return 0;
        }
        const std::size_t value = data_[0] | std::size_t{data_[1]} << 8;
        skip(2);
        return value;
    }

    // A copy that ends where its memory ends, so that the sanitizer sees each byte too far. It may be
    // written.
    Mapping part(std::size_t size) {
        size = size < size_ ? size : size_;
        const std::shared_ptr<std::byte> copy(new std::byte[size], std::default_delete<std::byte[]>());
        if (size != 0) {
            std::memcpy(copy.get(), data_, size);
        }
        skip(size);
        return {copy, size, How::buffer};
    }

    // A part with its size before it.
    Mapping sized_part() { return part(number()); }

    Mapping rest() { return part(size_); }

private:
    void skip(std::size_t size) {
        data_ += size;
        size_ -= size;
    }

    const std::uint8_t* data_;
    std::size_t size_;
};

}  // namespace btfmmap::fuzz
