#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/base/bytes.hpp"
#include "core/base/endian.hpp"
#include "core/fingerprint/hash.hpp"
#include "core/names/strings.hpp"
#include "core/simd/u8x16.hpp"

namespace btfmmap::fingerprint {

// Adds 16 bytes of a name to the hash of those before them, as two words. NUL bytes follow its end.
constexpr Hash add_to_name(const Hash& hash, std::uint64_t first, std::uint64_t second) {
    return {folded(first ^ hash.high, second ^ 0x8ebc6af09c88c6e3),
            folded(first ^ hash.low, second ^ 0x589965cc75374cc3)};
}

constexpr Hash kNameStart{0xe7037ed1a0b428db, 0xa0761d6478bd642f};
constexpr Hash kEmptyName = add_to_name(kNameStart, 0, 0);

// As many bytes of all ones as zeros. The vector at offset 16 - n keeps the first n bytes of another.
constexpr std::array<std::uint8_t, 2 * sizeof(U8x16)> prefix_masks() {
    std::array<std::uint8_t, 2 * sizeof(U8x16)> masks{};
    for (std::size_t i = 0; i != sizeof(U8x16); ++i) {
        masks[i] = UINT8_MAX;
    }
    return masks;
}

inline constexpr auto kPrefixMasks = prefix_masks();

// Hashes the names of one BTF.
class Names {
public:
    explicit Names(const Strings& strings)
        : strings_(strings), start_(strings.start()), own_(strings.rest(strings.start())) {}

    // Returns the hash of a string's bytes. An offset past the strings counts as the empty string.
    Hash hash(std::uint32_t offset) const {
        // Most names are in this BTF's own section, and fit into one step.
        const std::uint64_t at = offset - start_;
        if (at < own_.size && own_.size - at >= kStep) {
            const Step step(own_.data + at);
            if (step.size != kStep) {
                return added(kNameStart, step);
            }
        }
        return hash_in_steps(offset);
    }

private:
    static constexpr std::size_t kStep = sizeof(U8x16);

    // The bytes of a string before its NUL, kStep at most. NUL bytes follow them.
    struct Step {
        explicit Step(const std::byte* at) {
            auto bytes = load_vector<U8x16>(at);
            size = first_set_lane(lane_mask(bytes == 0));
            bytes &= load_vector<U8x16>(kPrefixMasks.data() + kStep - size);
            std::memcpy(text.data(), &bytes, sizeof bytes);
        }

        unsigned size;
        std::array<std::byte, kStep> text;
    };

    static Hash added(const Hash& hash, const Step& step) {
        const std::uint64_t first = Load<ByteOrder::little>::u64(step.text.data());
        const std::uint64_t second = Load<ByteOrder::little>::u64(step.text.data() + 8);
        return add_to_name(hash, first, second);
    }

    [[gnu::noinline]] Hash hash_in_steps(std::uint32_t offset) const {
        Bytes left = offset < strings_.end() ? strings_.rest(offset) : Bytes();
        Hash hash = kNameStart;
        for (; left.size >= kStep; left = left.from(kStep)) {
            const Step step(left.data);
            hash = added(hash, step);
            if (step.size != kStep) {
                return hash;
            }
        }
        std::array<std::byte, kStep> last{};
        if (left.size != 0) {
            std::memcpy(last.data(), left.data, left.size);
        }
        return added(hash, Step(last.data()));
    }

    const Strings& strings_;
    std::uint64_t start_;
    Bytes own_;
};

}  // namespace btfmmap::fingerprint
