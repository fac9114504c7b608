#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "core/index/scan_records.hpp"

// A record's size is in the record, so a walk is one chain of loads, each waiting for the one before: some 15
// cycles a record, in which the processor could do three times as much. So four chains are walked at once,
// each through a segment of its own. Where a segment's first record starts is guessed: a place from which
// some records follow one another without anything odd. The guess is believed only if the chain before
// arrives exactly there; that chain's start was right, so by induction all that is kept is what a plain walk
// finds. A chain that is done walks on into the next segment until all are, which costs less than asking each
// one.

namespace btfmmap {

namespace {

constexpr std::size_t kChains = 4;
constexpr std::size_t kMostBytes = 16 * 1024;  // of a segment; shorter ones towards the section's end
constexpr std::size_t kFewestBytes = 256;
constexpr std::size_t kRowsAtOnce = 16;
constexpr std::size_t kMostRows = kMostBytes / kHeadSize / kRowsAtOnce * kRowsAtOnce + kRowsAtOnce;

template <class Load>
class Chains {
public:
    Chains(Bytes types, const Shapes& shapes) : types_(types) {
        for (std::size_t byte = 0; byte != kBytes; ++byte) {
            const Shape& shape = shapes[byte % kMaxKinds];
            // A kind of unknown size leads out of any section.
            fixed_[byte] = shape.known ? static_cast<std::uint32_t>(shape.record_size(0)) : UINT32_MAX;
            element_[byte] = shape.element;
            type_mask_[byte] = shape.head_refers ? UINT32_MAX : 0;
        }
    }

    void walk(ScannedRecords& scanned) {
        // Wrong guesses cost time only, but a hostile file could make every guess a wrong one.
        int patience = 16;
        while (patience != 0 && types_.size - scanned.end >= kHeadSize + kChains * kFewestBytes) {
            segment_ = std::min(kMostBytes, (types_.size - scanned.end - kHeadSize) / kChains & ~kWordMask);
            patience -= !walk_segments(scanned, std::make_index_sequence<kChains>{});
        }
    }

private:
    // Where a chain is, counted from one byte past the last place where a head can be: negative as long as
    // there is one to read, so that one test of all signs is enough for all chains.
    using Place = std::int64_t;
    using Places = std::array<Place, kChains>;

    Place place(std::size_t at) const { return static_cast<Place>(at) - static_cast<Place>(past_heads()); }
    std::size_t past_heads() const { return types_.size - kHeadSize + 1; }

    // Walks a segment with each chain and keeps those that join; false if not all do.
    template <std::size_t... chain>
    bool walk_segments(ScannedRecords& scanned, std::index_sequence<chain...>) {
        const std::array<std::size_t, kChains> start = {
            (chain == 0 ? scanned.end : guess(scanned.end + chain * segment_))...};
        const std::size_t limit[kChains] = {
            (chain + 1 < kChains ? start[(chain + 1) % kChains] : scanned.end + kChains * segment_)...};

        const Places end = {place(limit[chain])...};
        Places at = {place(start[chain])...};
        std::size_t row = 0;
        // Whether all chains are done is asked after some rows only.
        while (((at[chain] < end[chain]) | ...) && row < kMostRows && (at[chain] & ...) < 0) {
            row = walk_rows(at, row, scanned.heads, std::index_sequence<chain...>{});
        }
        ((offsets_[chain][row] = static_cast<std::uint32_t>(std::min(at[chain], place(types_.size + 1)))),
         ...);

        for (std::size_t joined = 0; joined != kChains; ++joined) {
            if (!keep(joined, row, limit[joined], scanned)) {
                return false;
            }
        }
        return true;
    }

    // Some rows of all chains, fewer where one comes to the section's end; returns the row after them. By
    // itself, for the compiler to have enough registers.
    template <std::size_t... chain>
    __attribute__((noinline)) std::size_t walk_rows(Places& places, std::size_t row, MaxReferences& extremes,
                                                    std::index_sequence<chain...>) {
        const std::byte* const zero = types_.data + past_heads();
        const std::size_t last = row + kRowsAtOnce;
        Place at[kChains] = {places[chain]...};
        MaxReferences heads = extremes;
        do {
            (step(chain, row, zero, at[chain], heads), ...);
            ++row;
        } while (row != last && (at[chain] & ...) < 0);
        extremes = heads;
        ((places[chain] = at[chain]), ...);
        return row;
    }

    void step(std::size_t chain, std::size_t row, const std::byte* zero, Place& at, MaxReferences& heads) {
        const std::byte* head = zero + at;
        const std::uint32_t info = Load::u32(head + HeadField::info);
        const std::uint8_t byte = info_kind_byte(info);
        heads.merge({Load::u32(head + HeadField::name_off),
                     Load::u32(head + HeadField::size_or_type) & type_mask_[byte]});
        __asm__("" : "+r"(heads.name_off), "+r"(heads.type));
        offsets_[chain][row] = static_cast<std::uint32_t>(at);
        bytes_[chain][row] = byte;
        at += fixed_[byte] + std::size_t{info_vlen(info)} * element_[byte];
    }

    // Adds a chain's rows before `limit`; false if the last of them does not end there.
    bool keep(std::size_t chain, std::size_t rows, std::size_t limit, ScannedRecords& scanned) {
        const auto zero = static_cast<std::uint32_t>(past_heads());
        const std::uint32_t* places = offsets_[chain];
        const auto count =
            static_cast<std::size_t>(std::lower_bound(places, places + rows, limit,
                                                      [zero](std::uint32_t place, std::size_t at) {
                                                          return std::uint32_t{place + zero} < at;
                                                      }) -
                                     places);
        std::size_t kept = count;
        std::size_t end = std::uint32_t{places[count] + zero};
        if (end > types_.size) {
            // Its last record is not whole, or of an unknown kind.
            kept = count - 1;
            end = std::uint32_t{places[kept] + zero};
        }
        std::uint32_t* offsets = scanned.offsets + scanned.count;
        std::uint8_t* kinds = scanned.kinds + scanned.count;
        for (std::size_t row = 0; row != kept; ++row) {
            offsets[row] = places[row] + zero;
        }
        for (std::size_t row = 0; row != kept; ++row) {
            kinds[row] = bytes_[chain][row] % kMaxKinds;
        }
        scanned.count += kept;
        scanned.end = end;
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
            const std::uint32_t info = Load::u32(types_.data + at + HeadField::info);
            const std::uint8_t byte = info_kind_byte(info);
            // Where no elements follow, there are none to count; of a FUNC it is the linkage.
            if (element_[byte] == 0 && info_vlen(info) > 2) {
                return false;
            }
            at += fixed_[byte] + std::size_t{info_vlen(info)} * element_[byte];
        }
        return true;
    }

    static constexpr std::size_t kWordMask = sizeof(std::uint32_t) - 1;
    static constexpr std::size_t kBytes = 256;

    Bytes types_;
    std::size_t segment_ = 0;  // bytes
    // By the byte of a record's kind and flag: the record's size without its elements, that of an element,
    // and which bits of the head's last word are a type id.
    std::uint32_t fixed_[kBytes];
    std::uint32_t element_[kBytes];
    std::uint32_t type_mask_[kBytes];
    std::uint32_t offsets_[kChains][kMostRows + 1];  // places, cut off to 32 bits
    std::uint8_t bytes_[kChains][kMostRows];
};

}  // namespace

void scan_records_interleaved(Bytes types, ByteOrder order, const Shapes& shapes, ScannedRecords& scanned) {
    if (types.size < UINT32_MAX) {  // so that a place past the end has a number of its own
        with_loads(order, [&](auto load) { Chains<decltype(load)>(types, shapes).walk(scanned); });
    }
}

}  // namespace btfmmap
