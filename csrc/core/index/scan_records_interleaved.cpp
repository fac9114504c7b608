#include <algorithm>
#include <array>
#include <utility>

#include "core/index/scan_records.hpp"
#include "core/simd/u32x4.hpp"

// A record's size is stored in the record, so a sequential scan is one dependency chain of loads. It takes
// about 15 cycles per record, in which the processor could do three times as much. Eight cursors are
// therefore advanced in turn, each through its own segment.
//
// The first record of a segment is guessed: an offset from which several plausible records follow one
// another. The guess is accepted only if the previous segment's cursor arrives exactly there. The first
// cursor starts at a known record, so by induction all accepted records are those that a sequential scan
// finds.
//
// A cursor that has finished its segment continues into the next one until all cursors have finished. This
// costs less than testing each cursor.

namespace btfmmap {

namespace {

constexpr std::size_t kCursors = 8;
constexpr std::size_t kMaxSegmentBytes = 16 * 1024;  // segments are shorter towards the section's end
constexpr std::size_t kMinSegmentBytes = 256;
constexpr std::size_t kRowsPerBatch = 16;
constexpr std::size_t kMaxSegmentRows =
    kMaxSegmentBytes / kHeadSize / kRowsPerBatch * kRowsPerBatch + kRowsPerBatch;

// What a record's kind, and the flag stored with it, say about the record.
struct alignas(2 * sizeof(U32x4)) KindOfRecord {
    U32x4 reference_mask;   // of the four words that end with the head: the words that are references
    std::uint64_t fixed;    // the record's size without its elements
    std::uint32_t element;  // the size of an element
};

// The maxima of references, as numbers.
class ScalarMaxima {
public:
    explicit ScalarMaxima(MaxReferences start) : max_(start) {}

    template <class Load>
    [[gnu::always_inline]] void add(const std::byte* head, const KindOfRecord& kind) {
        max_.merge({Load::u32(head + HeadField::name_off),
                    Load::u32(head + HeadField::size_or_type) & kind.reference_mask[kTypeLane]});
        __asm__("" : "+r"(max_.name_off), "+r"(max_.type));  // keeps the compiler from branching
    }
    MaxReferences get() const { return max_; }

    static constexpr std::size_t kNameLane = 1, kTypeLane = 3;

private:
    MaxReferences max_;
};

// The same as a vector, for processors that have the maximum of unsigned words as one instruction.
class VectorMaxima {
public:
    explicit VectorMaxima(MaxReferences start) : max_{0, start.name_off, 0, start.type} {}

    template <class Load>
    [[gnu::always_inline]] void add(const std::byte* head, const KindOfRecord& kind) {
        // The word before the head is loaded too, because the word after it may lie outside of the section.
        const U32x4 words = load_u32x4<Load>(head - sizeof(std::uint32_t)) & kind.reference_mask;
        max_ = words > max_ ? words : max_;
    }
    MaxReferences get() const { return {max_[ScalarMaxima::kNameLane], max_[ScalarMaxima::kTypeLane]}; }

private:
    U32x4 max_;
};

template <class Load>
class InterleavedScanner {
public:
    InterleavedScanner(Bytes types, const Shapes& shapes, Vectors vectors)
        : types_(types), vectors_(vectors) {
        for (std::size_t byte = 0; byte != kKindBytes; ++byte) {
            const Shape& shape = shapes[byte % kMaxKinds];
            // A kind of unknown size moves the cursor past the end of any section.
            kinds_[byte] = {U32x4{0, UINT32_MAX, 0, shape.head_refers ? UINT32_MAX : 0},
                            shape.known ? shape.record_size(0) : UINT32_MAX, shape.element};
        }
    }

    // Appends the records of the section's valid start to `scanned`.
    void scan(ScannedRecords& scanned) {
        // A wrong guess only costs time, but a hostile file could make every guess wrong.
        int failures_left = 16;
        while (failures_left != 0 && types_.size - scanned.end >= kHeadSize + kCursors * kMinSegmentBytes) {
            segment_ =
                std::min(kMaxSegmentBytes, (types_.size - scanned.end - kHeadSize) / kCursors & ~kWordMask);
            failures_left -= !scan_segments(scanned, std::make_index_sequence<kCursors>{});
        }
    }

private:
    // The position of a cursor, relative to one byte past the last offset at which a head fits. It is
    // negative while there is a head to read, so one test of the combined sign bits covers all cursors.
    using Position = std::int64_t;
    using Positions = std::array<Position, kCursors>;

    Position position(std::size_t at) const {
        return static_cast<Position>(at) - static_cast<Position>(past_heads());
    }
    std::size_t past_heads() const { return types_.size - kHeadSize + 1; }

    // Scans a segment with each cursor and appends the accepted records. Returns false if a guess was wrong.
    template <std::size_t... cursor>
    bool scan_segments(ScannedRecords& scanned, std::index_sequence<cursor...>) {
        const std::array<std::size_t, kCursors> start = {
            (cursor == 0 ? scanned.end : guess_record_start(scanned.end + cursor * segment_))...};
        const std::size_t limit[kCursors] = {
            (cursor + 1 < kCursors ? start[(cursor + 1) % kCursors] : scanned.end + kCursors * segment_)...};

        const Positions end = {position(limit[cursor])...};
        Positions at = {position(start[cursor])...};
        std::size_t row = 0;
        // Tests only once per batch whether all cursors have finished.
        while (((at[cursor] < end[cursor]) | ...) && row < kMaxSegmentRows && (at[cursor] & ...) < 0) {
            row = vectors_ == Vectors::avx2 ? scan_batch_avx2<cursor...>(at, row, scanned.max_references)
                                            : scan_batch_baseline<cursor...>(at, row, scanned.max_references);
        }
        ((positions_[cursor][row] =
              static_cast<std::uint32_t>(std::min(at[cursor], position(types_.size + 1)))),
         ...);

        for (std::size_t segment = 0; segment != kCursors; ++segment) {
            if (!append_segment(segment, row, limit[segment], scanned)) {
                return false;
            }
        }
        return true;
    }

    // Scans up to kRowsPerBatch rows with all cursors, fewer if one reaches the section's end. Returns the
    // row after them.
    template <class Maxima, std::size_t... cursor>
    [[gnu::always_inline]] std::size_t scan_batch(Positions& positions, std::size_t row,
                                                  MaxReferences& section_max) {
        const std::byte* const zero = types_.data + past_heads();
        const std::size_t last = row + kRowsPerBatch;
        Position at[kCursors] = {positions[cursor]...};
        Maxima maxima(section_max);
        do {
            (step(cursor, row, zero, at[cursor], maxima), ...);
            ++row;
        } while (row != last && (at[cursor] & ...) < 0);
        section_max = maxima.get();
        ((positions[cursor] = at[cursor]), ...);
        return row;
    }

    // Not inlined, so that the compiler has enough registers.
    template <std::size_t... cursor>
    [[gnu::noinline]] std::size_t scan_batch_baseline(Positions& positions, std::size_t row,
                                                      MaxReferences& section_max) {
        return scan_batch<ScalarMaxima, cursor...>(positions, row, section_max);
    }
    template <std::size_t... cursor>
    BTFMMAP_AVX2 [[gnu::noinline]] std::size_t scan_batch_avx2(Positions& positions, std::size_t row,
                                                               MaxReferences& section_max) {
        return scan_batch<VectorMaxima, cursor...>(positions, row, section_max);
    }

    template <class Maxima>
    [[gnu::always_inline]] void step(std::size_t cursor, std::size_t row, const std::byte* zero, Position& at,
                                     Maxima& maxima) {
        const std::byte* head = zero + at;
        const auto byte = std::to_integer<std::uint8_t>(head[kKindByte]);
        const KindOfRecord& kind = kinds_[byte];
        maxima.template add<Load>(head, kind);
        positions_[cursor][row] = static_cast<std::uint32_t>(at);
        kind_bytes_[cursor][row] = byte;
        const std::uint32_t vlen = info_vlen(Load::u32(head + HeadField::info));
        at += static_cast<Position>(kind.fixed + std::uint64_t{vlen} * kind.element);
    }

    // Appends the rows of a cursor that start before `limit`. Returns false if the last of them does not end
    // there.
    bool append_segment(std::size_t cursor, std::size_t rows, std::size_t limit, ScannedRecords& scanned) {
        const auto zero = static_cast<std::uint32_t>(past_heads());
        const std::uint32_t* positions = positions_[cursor];
        const auto count =
            static_cast<std::size_t>(std::lower_bound(positions, positions + rows, limit,
                                                      [zero](std::uint32_t position, std::size_t at) {
                                                          return std::uint32_t{position + zero} < at;
                                                      }) -
                                     positions);
        std::size_t kept = count;
        std::size_t end = std::uint32_t{positions[count] + zero};
        if (end > types_.size) {
            // The last record is truncated or of an unknown kind.
            kept = count - 1;
            end = std::uint32_t{positions[kept] + zero};
        }
        std::uint32_t* offsets = scanned.offsets + scanned.count;
        std::uint8_t* kinds = scanned.kinds + scanned.count;
        for (std::size_t row = 0; row != kept; ++row) {
            offsets[row] = positions[row] + zero;
        }
        for (std::size_t row = 0; row != kept; ++row) {
            kinds[row] = kind_bytes_[cursor][row] % kMaxKinds;
        }
        scanned.count += kept;
        scanned.end = end;
        return end == limit || cursor + 1 == kCursors;
    }

    // Returns the first plausible record start of the segment at `from`, or the segment's end.
    std::size_t guess_record_start(std::size_t from) const {
        const std::size_t end = from + segment_;
        while (from < end && !is_plausible(from)) {
            from += sizeof(std::uint32_t);
        }
        return from;
    }

    // Whether several records without an obvious error follow one another from this offset on.
    bool is_plausible(std::uint64_t at) const {
        for (int records = 0; records != 6; ++records) {
            if (at > types_.size - kHeadSize) {
                return false;
            }
            const std::uint32_t info = Load::u32(types_.from(at).data + HeadField::info);
            const KindOfRecord& kind = kinds_[info_kind_byte(info)];
            // A kind without elements has a vlen of 0, except for a FUNC, which stores its linkage of 0 to 2
            // there.
            if (kind.element == 0 && info_vlen(info) > 2) {
                return false;
            }
            at += kind.fixed + std::uint64_t{info_vlen(info)} * kind.element;
        }
        return true;
    }

    static constexpr std::size_t kWordMask = sizeof(std::uint32_t) - 1;
    static constexpr std::size_t kKindBytes = 256;
    // The byte of a head that holds the kind and its flag: the highest one of `info`.
    static constexpr std::size_t kKindByte =
        HeadField::info + (Load::order == ByteOrder::little ? sizeof(std::uint32_t) - 1 : 0);

    Bytes types_;
    Vectors vectors_;
    std::size_t segment_ = 0;         // bytes
    KindOfRecord kinds_[kKindBytes];  // by the byte that holds a record's kind and flag
    std::uint32_t positions_[kCursors][kMaxSegmentRows + 1];  // truncated to 32 bits
    std::uint8_t kind_bytes_[kCursors][kMaxSegmentRows];
};

}  // namespace

void scan_records_interleaved(Bytes types, ByteOrder order, const Shapes& shapes, ScannedRecords& scanned,
                              Vectors vectors) {
    if (types.size < UINT32_MAX) {  // so that a position past the end is representable
        with_byte_order(order, [&](auto load) {
            InterleavedScanner<decltype(load)>(types, shapes, vectors).scan(scanned);
        });
    }
}

}  // namespace btfmmap
