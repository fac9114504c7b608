#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "core/base/bytes.hpp"

namespace btfmmap {

// How bytes were obtained; `buffer` means borrowed from the caller, who may change them.
enum class How : std::uint8_t { mmap, read, buffer };

// Bytes and a share in their ownership. Destroying the last copy unmaps, frees, or releases the buffer.
class Mapping {
public:
    // `data` owns the bytes; `how` tells how they were obtained.
    Mapping(std::shared_ptr<const std::byte> data, std::size_t size, How how)
        : Mapping(std::move(data), size, how, how == How::read) {}

    // Maps a file from its start, private and read-only. `constant` says that its bytes cannot change. Throws
    // Error (system) naming `path`.
    static Mapping map(int fd, std::size_t size, const std::string& path, bool constant);

    // Refers to bytes that stay in place while `owner` exists.
    static Mapping borrow(Bytes bytes, std::shared_ptr<const void> owner, How how) {
        return {{std::move(owner), bytes.data}, bytes.size, how};
    }

    Bytes bytes() const { return {data_.get(), size_}; }
    std::shared_ptr<const void> owner() const { return data_; }
    How how() const { return how_; }
    // Whether nobody else can change the bytes.
    bool constant() const { return constant_; }

    // Returns a part, with the same owner. Throws Error (format) unless the part lies inside.
    Mapping part(std::uint64_t offset, std::uint64_t size) const {
        const Bytes range = bytes().slice(offset, size);
        return {{data_, range.data}, range.size, how_, constant_};
    }

private:
    Mapping(std::shared_ptr<const std::byte> data, std::size_t size, How how, bool constant)
        : data_(std::move(data)), size_(size), how_(how), constant_(constant) {}

    std::shared_ptr<const std::byte> data_;
    std::size_t size_;
    How how_;
    bool constant_;
};

}  // namespace btfmmap
