#pragma once

#include <cstdint>

#include "core/btf/btf.hpp"

namespace btfmmap {

// What writing types as C may take: text and time in proportion to the size of the BTF, and so much stack.
// Names, prototypes and types without a name are written out wherever they are used, so a hostile file of a
// few kilobytes could ask for text without end.
class CLimits {
public:
    explicit CLimits(const Btf& btf);

    // For bytes that are written or compared; a step is worth some of them. Throws Error (not_supported)
    // when all are spent.
    void spend(std::uint64_t bytes) {
        if (bytes > remaining_) {
            throw_exhausted();
        }
        remaining_ -= bytes;
    }
    void step() { spend(kStep); }

    // Counts a level of nesting for as long as it lives. Throws Error (not_supported) where there are too
    // many; `id` is for its message.
    class Depth {
    public:
        Depth(CLimits& limits, std::uint32_t id) : limits_(limits) {
            limits_.step();
            if (limits_.depth_ == kMaxDepth) {
                throw_too_deep(id);
            }
            ++limits_.depth_;
        }
        ~Depth() { --limits_.depth_; }
        Depth(const Depth&) = delete;
        Depth& operator=(const Depth&) = delete;

    private:
        CLimits& limits_;
    };

private:
    static constexpr std::uint64_t kStep = 8;
    // Types of real kernels lie less than 25 levels deep. A level takes up to half a KiB of stack, and
    // threads may have no more than 128 KiB.
    static constexpr unsigned kMaxDepth = 128;

    [[noreturn]] void throw_exhausted();
    [[noreturn]] static void throw_too_deep(std::uint32_t id);

    std::uint64_t remaining_;
    unsigned depth_ = 0;
};

}  // namespace btfmmap
