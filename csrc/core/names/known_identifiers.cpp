#include "core/names/known_identifiers.hpp"

#include <algorithm>
#include <cstring>

#include "core/simd/u8x16.hpp"

namespace btfmmap {

namespace {

using std::uint64_t;

// What kMaskBits characters are, one bit each.
struct Characters {
    uint64_t starts;  // letters and '_'
    uint64_t digits;
    uint64_t nuls;
};

Characters characters(const std::byte* text) {
    alignas(U8x16) std::uint8_t starts[kMaskBits], digits[kMaskBits];
    for (std::size_t at = 0; at != kMaskBits; at += sizeof(U8x16)) {
        const auto bytes = load_vector<U8x16>(text + at);
        const U8x16 start = lane_mask((bytes | 0x20) - 'a' < 26) | lane_mask(bytes == '_');
        const U8x16 digit = lane_mask(bytes - '0' < 10);
        std::memcpy(starts + at, &start, sizeof start);
        std::memcpy(digits + at, &digit, sizeof digit);
    }
    constexpr std::uint8_t is_set = 0xff;  // of a lane mask
    return {match_mask<is_set>(starts), match_mask<is_set>(digits),
            match_mask<0>(reinterpret_cast<const std::uint8_t*>(text))};
}

}  // namespace

// The pass over one section. Marks all characters that may start an identifier, and removes the marks of
// names in which another character follows. Few names have one, and each mark is removed at most twice.
class KnownIdentifiers::Pass {
public:
    Pass(Bytes section, uint64_t* words) : section_(section), words_(words) {}

    void run() {
        std::size_t at = 0;
        for (; section_.size - at >= kMaskBits; at += kMaskBits) {
            add(at, section_.data + at);
        }
        if (at != section_.size) {
            std::byte padded[kMaskBits];
            std::memset(padded, kNeither, sizeof padded);
            std::memcpy(padded, section_.data + at, section_.size - at);
            add(at, padded);
        }
        clear(name_, section_.size);  // it has no NUL
    }

private:
    static constexpr int kNeither = 0xff;  // a character that no identifier has, and no NUL

    void add(std::size_t at, const std::byte* text) {
        const Characters found = characters(text);
        words_[at / kBits] = found.starts;
        if (const uint64_t others = ~(found.starts | found.digits | found.nuls)) {
            clear_others(at, others, found.nuls);
        }
        if (found.nuls != 0) {
            const std::size_t name_end = at + lowest(found.nuls);
            if (name_end - name_ > kMaxSize) {
                clear(name_, name_end - kMaxSize);
            }
            name_ = at + highest(found.nuls) + 1;
        }
    }

    void clear_others(std::size_t at, uint64_t others, uint64_t nuls) {
        for (; others != 0; others &= others - 1) {
            const std::size_t place = lowest(others);
            const uint64_t nuls_before = nuls & ((uint64_t{1} << place) - 1);
            const std::size_t name = nuls_before == 0 ? name_ : at + highest(nuls_before) + 1;
            clear(std::max(name, cleared_), at + place + 1);
            cleared_ = at + place + 1;
        }
    }

    void clear(std::size_t from, std::size_t end) {
        end = std::min(end, section_.size);
        while (from < end) {
            const std::size_t first = from % kBits, count = std::min(kBits - first, end - from);
            const uint64_t bits = count == kBits ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
            words_[from / kBits] &= ~(bits << first);
            from += count;
        }
    }

    static std::size_t lowest(uint64_t mask) { return static_cast<std::size_t>(__builtin_ctzll(mask)); }
    static std::size_t highest(uint64_t mask) {
        return kBits - 1 - static_cast<std::size_t>(__builtin_clzll(mask));
    }

    Bytes section_;
    uint64_t* words_;
    std::size_t name_ = 0;     // where the name starts that the next characters belong to
    std::size_t cleared_ = 0;  // other characters before this place are done with
};

KnownIdentifiers::KnownIdentifiers(const Strings& strings)
    : end_(strings.end()),
      shift_((kBits - strings.start() % kBits) % kBits),
      words_(in_memory((end_ + shift_ + kBits - 1) / kBits)) {
    if (strings.end() != strings.start()) {
        Pass(strings.rest(strings.start()), words_.data() + (strings.start() + shift_) / kBits).run();
    }
}

}  // namespace btfmmap
