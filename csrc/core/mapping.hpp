#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "core/bytes.hpp"

namespace btfmmap {

enum class Method : std::uint8_t { automatic, mmap, read };
enum class How : std::uint8_t { mmap, read, buffer };

// The bytes of one input, and their owner: the last copy unmaps, frees, or hands back the buffer.
class Mapping {
public:
    // `automatic` maps a file on sysfs, whose bytes cannot change, and reads it where the kernel refuses
    // to map it; any other file may be truncated (SIGBUS) or rewritten under a map, so it is read.
    // `interrupted` is called when a signal ends a wait for bytes, and may throw to give up.
    // Throws Error: system with errno and path, format for a file too large to be BTF.
    static Mapping open(const std::string& path, Method method, void (*interrupted)());

    // Bytes that `owner` keeps in place.
    static Mapping borrow(Bytes bytes, std::shared_ptr<const void> owner);

    Bytes bytes() const { return {data_.get(), size_}; }
    How how() const { return how_; }

private:
    Mapping(std::shared_ptr<const std::byte> data, std::size_t size, How how)
        : data_(std::move(data)), size_(size), how_(how) {}

    static Mapping map(int fd, std::size_t size, const std::string& path);
    static Mapping read(int fd, std::size_t expected, std::size_t limit, const std::string& path,
                        void (*interrupted)());

    std::shared_ptr<const std::byte> data_;
    std::size_t size_;
    How how_;
};

}  // namespace btfmmap
