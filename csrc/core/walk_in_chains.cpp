#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "core/walk.hpp"

// A record's size is in the record, so a walk is one chain of loads, each waiting for the one before: some 15
// cycles a record, in which the processor could do three times as much. So six chains are walked at once,
// each through a segment of its own. Where a segment's first record starts is guessed: a place from which
// some records follow one another without anything odd. The guess is believed only if the chain before
// arrives exactly there; that chain's start was right, so by induction all that is kept is what a plain walk
// finds. A chain that is done walks on into the next segment until all are, which costs less than asking each
// one.

namespace btfmmap {

namespace {

constexpr std::size_t kChains = 6;
constexpr std::size_t kMostBytes = 8 * 1024;  // of a segment; shorter ones towards the section's end
constexpr std::size_t kFewestBytes = 256;
constexpr std::size_t kMostRows = kMostBytes / kHeadSize + 1;

template <class Load>
class Chains {
public:
    Chains(Bytes types, const Shapes& shapes) : types_(types) {
        for (std::size_t kind = 0; kind != kMaxKinds; ++kind) {
            const Shape& shape = shapes[kind];
            // A kind of unknown size leads out of any section.
            fixed_[kind] = shape.known ? static_cast<std::uint32_t>(shape.record_size(0)) : UINT32_MAX;
            element_[kind] = shape.element;
            type_mask_[kind] = shape.head_refers ? UINT32_MAX : 0;
        }
    }

    void walk(Walked& walked) {
        // Wrong guesses cost time only, but a hostile file could make every guess a wrong one.
        int patience = 16;
        while (patience != 0 && types_.size - walked.end >= kHeadSize + kChains * kFewestBytes) {
            segment_ = std::min(kMostBytes, (types_.size - walked.end - kHeadSize) / kChains & ~kWordMask);
            patience -= !walk_segments(walked, std::make_index_sequence<kChains>{});
        }
    }

private:
    std::uint32_t info(std::size_t at) const { return Load::u32(types_.data + at + HeadField::info); }
    std::size_t next(std::size_t at, std::uint32_t info) const {
        const std::uint8_t kind = info_kind(info);
        return at + fixed_[kind] + std::size_t{info_vlen(info)} * element_[kind];
    }

    // Walks a segment with each chain and keeps those that join; false if not all do.
    template <std::size_t... chain>
    bool walk_segments(Walked& walked, std::index_sequence<chain...>) {
        const std::array<std::size_t, kChains> start = {
            (chain == 0 ? walked.end : guess(walked.end + chain * segment_))...};
        const std::size_t limit[kChains] = {
            (chain + 1 < kChains ? start[(chain + 1) % kChains] : walked.end + kChains * segment_)...};
        const std::size_t last_head = types_.size - kHeadSize;

        std::size_t at[kChains] = {start[chain]...};
        std::size_t row = 0;
        Extremes heads = walked.heads;
        while (((at[chain] < limit[chain]) | ...) && ((at[chain] <= last_head) & ...) && row != kMostRows) {
            (step(chain, row, at[chain], heads), ...);
            ++row;
        }
        walked.heads = heads;
        ((offsets_[chain][row] = static_cast<std::uint32_t>(std::min(at[chain], types_.size + 1))), ...);

        for (std::size_t joined = 0; joined != kChains; ++joined) {
            if (!keep(joined, row, limit[joined], walked)) {
                return false;
            }
        }
        return true;
    }

    void step(std::size_t chain, std::size_t row, std::size_t& at, Extremes& heads) {
        const std::uint32_t word = info(at);
        const std::byte* head = types_.data + at;
        heads.merge({Load::u32(head + HeadField::name_off),
                     Load::u32(head + HeadField::size_or_type) & type_mask_[info_kind(word)]});
        offsets_[chain][row] = static_cast<std::uint32_t>(at);
        kinds_[chain][row] = info_kind(word);
        at = next(at, word);
    }

    // Adds a chain's rows before `limit`; false if the last of them does not end there.
    bool keep(std::size_t chain, std::size_t rows, std::size_t limit, Walked& walked) {
        const std::uint32_t* offsets = offsets_[chain];
        const auto count =
            static_cast<std::size_t>(std::lower_bound(offsets, offsets + rows, limit) - offsets);
        std::size_t kept = count;
        std::size_t end = offsets[count];
        if (end > types_.size) {
            // Its last record is not whole, or of an unknown kind.
            kept = count - 1;
            end = offsets[kept];
        }
        std::memcpy(walked.offsets + walked.count, offsets, kept * sizeof *offsets);
        std::memcpy(walked.kinds + walked.count, kinds_[chain], kept);
        walked.count += kept;
        walked.end = end;
        return end == limit || chain + 1 == kChains;
    }

    std::size_t guess(std::size_t from) const {
        const std::size_t end = from + segment_;
        while (from < end && !is_plausible(from)) {
            from += sizeof(std::uint32_t);
        }
        return from;
    }

    bool is_plausible(std::size_t at) const {
        for (int records = 0; records != 6; ++records) {
            if (at > types_.size - kHeadSize) {
                return false;
            }
            const std::uint32_t word = info(at);
            // Where no elements follow, there are none to count; of a FUNC it is the linkage.
            if (element_[info_kind(word)] == 0 && info_vlen(word) > 2) {
                return false;
            }
            at = next(at, word);
        }
        return true;
    }

    static constexpr std::size_t kWordMask = sizeof(std::uint32_t) - 1;

    Bytes types_;
    std::size_t segment_ = 0;  // bytes
    // By kind: the size of a record without its elements, that of an element, and which bits of the head's
    // last word are a type id.
    std::uint32_t fixed_[kMaxKinds];
    std::uint32_t element_[kMaxKinds];
    std::uint32_t type_mask_[kMaxKinds];
    std::uint32_t offsets_[kChains][kMostRows + 1];
    std::uint8_t kinds_[kChains][kMostRows + 1];
};

}  // namespace

void walk_in_chains(Bytes types, ByteOrder order, const Shapes& shapes, Walked& walked) {
    if (types.size < UINT32_MAX) {  // so that a place past the end has a number of its own
        with_loads(order, [&](auto load) { Chains<decltype(load)>(types, shapes).walk(walked); });
    }
}

}  // namespace btfmmap
