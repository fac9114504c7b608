#pragma once

#include <cstdint>

#include "core/btf/btf.hpp"

namespace btfmmap {

// Returns the maximum number of bytes of C text that is written for the types of a BTF. It is in proportion
// to the size of the BTF.
std::uint64_t c_text_limit(const Btf& btf);

// Limits the cost of writing types as C. Text and time are in proportion to the size of the BTF, and the use
// of the stack is bounded. Names, prototypes and anonymous types are written out wherever they are used, so a
// hostile file of a few kilobytes could otherwise cause unlimited output.
class CLimits {
public:
    explicit CLimits(const Btf& btf) : remaining_(c_text_limit(btf)) {}

    // Accounts for bytes that are written or compared; a step counts as some bytes. Throws Error
    // (not_supported) if the limit is exceeded.
    void spend(std::uint64_t bytes) {
        if (bytes > remaining_) {
            throw_exhausted();
        }
        remaining_ -= bytes;
    }
    void step() { spend(kStep); }

    // Counts a level of nesting during its lifetime. Throws Error (not_supported) if there are too many
    // levels; `id` is used in the message.
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
    // Types of real kernels are nested less than 25 levels deep. A level takes up to half a KiB of stack, and
    // a thread may have only 128 KiB.
    static constexpr unsigned kMaxDepth = 128;

    [[noreturn]] void throw_exhausted();
    [[noreturn]] static void throw_too_deep(std::uint32_t id);

    std::uint64_t remaining_;
    unsigned depth_ = 0;
};

}  // namespace btfmmap
