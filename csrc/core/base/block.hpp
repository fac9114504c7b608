#pragma once

#include <cstddef>
#include <utility>

namespace btfmmap {

// Uninitialised memory for large arrays, aligned to cache lines.
//
// A fault on a new page costs 0.5 to 2 us, as much as the work that fills the page, and threads that fault at
// once wait for each other. Large blocks that are released are therefore kept for later ones: for the whole
// process, at most 16 MiB that were used, in at most 32 MiB of addresses. When the last block in use is
// released, the system is told that it may take the pages of those that are kept, unless it was told less
// than a second ago.
//
// Huge pages would save more, but in a virtual machine that returns free ones to its host each can cost
// milliseconds.
class Block {
public:
    Block() = default;
    // Throws std::bad_alloc. The block may be larger than `size`.
    explicit Block(std::size_t size);
    ~Block();

    Block(Block&& other) noexcept : Block() { swap(other); }
    Block& operator=(Block&& other) noexcept {
        swap(other);
        return *this;
    }
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;

    std::byte* data() const { return data_; }
    std::size_t size() const { return size_; }

    // Must be called with the number of bytes that are used, before or after they are written. Makes the
    // pages of those that were not used yet resident.
    void use(std::size_t bytes);

private:
    void swap(Block& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(used_, other.used_);
    }

    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t used_ = 0;  // including uses before it was kept
};

// Makes all missing pages of some memory resident with one system call, which costs half as much as the page
// faults. Does nothing for a few pages.
void populate(const void* data, std::size_t size);

}  // namespace btfmmap
