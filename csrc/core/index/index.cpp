#include "core/index/index.hpp"

#include <algorithm>
#include <string>

#include "core/base/error.hpp"
#include "core/index/scan_records.hpp"

namespace btfmmap {

namespace {

// A little more than the average, which is between 25.2 and 25.8 in kernels of all architectures.
constexpr std::size_t kLikelyRecordSize = 26;
// More than any kernel has. A file that only claims to be large costs little memory.
constexpr std::size_t kMaxLikelyRows = std::size_t{1} << 20;

}  // namespace

Index::Index(Bytes types, ByteOrder order, const Shapes& shapes, const Index* base, std::uint64_t types_start)
    : types_(types), order_(order), base_(base), first_id_(base == nullptr ? 0 : base->end_id()) {
    // Allocates the largest possible number of rows. Pages that stay untouched cost nothing.
    const std::size_t max_rows = 1 + types.size / kHeadSize;
    if (max_rows > UINT32_MAX - first_id_) {
        throw Error::format("a type section of " + std::to_string(types.size) +
                            " bytes after the base's last type [" + std::to_string(first_id_ - 1) +
                            "] could exceed the ids that 32 bits hold");
    }
    const std::size_t elements = max_rows + kMaskBits;
    offsets_memory_ = Block(in_memory(std::uint64_t{elements} * sizeof *offsets_));
    kinds_memory_ = Block(elements);
    offsets_ = reinterpret_cast<std::uint32_t*>(offsets_memory_.data());
    kinds_ = reinterpret_cast<std::uint8_t*>(kinds_memory_.data());
    const auto use = [this](std::size_t used) {
        offsets_memory_.use(used * sizeof *offsets_);
        kinds_memory_.use(used * sizeof *kinds_);
    };
    use(std::min(types.size / kLikelyRecordSize, kMaxLikelyRows));
    offsets_[0] = 0;
    constexpr auto no_kind = static_cast<std::uint8_t>(Kind::Void);
    kinds_[0] = no_kind;

    ScannedRecords scanned{offsets_, kinds_, first_record(), 0, {}};
    try {
        scan_records_interleaved(types, order, shapes, scanned);
        scan_records(types, order, shapes, types_start, first_id_, scanned);
    } catch (...) {
        use(scanned.count);
        throw;
    }
    std::fill_n(offsets_ + scanned.count, kMaskBits, static_cast<std::uint32_t>(scanned.end));
    std::fill_n(kinds_ + scanned.count, kMaskBits, no_kind);
    rows_ = scanned.count;
    use(rows_ + kMaskBits);
    max_references_ = scanned.max_references;
}

}  // namespace btfmmap
