#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/base/bytes.hpp"
#include "core/base/endian.hpp"
#include "core/format/wire_format.hpp"
#include "core/simd/processor.hpp"

namespace btfmmap {

// The largest name offset and the largest type ID of a set of records. All of the set's references are in
// range if these two are.
struct MaxReferences {
    std::uint32_t name_off = 0;
    std::uint32_t type = 0;

    void merge(MaxReferences other) {
        name_off = std::max(name_off, other.name_off);
        type = std::max(type, other.type);
    }
};

// The records of a type section that were found so far. The first `count` elements of the arrays hold the
// offset and kind of each record. The next record starts at `end`.
struct ScannedRecords {
    std::uint32_t* offsets;
    std::uint8_t* kinds;
    std::size_t count;
    std::size_t end;
    // An upper bound for the heads of these records: a wrong guess of scan_records_interleaved() may leave it
    // higher than their maximum.
    MaxReferences max_references;
};

// Scans the records from `scanned.end` to the section's end, one after another. Like libbpf's
// btf_parse_type_sec, rejects a kind of unknown size and a record that extends past the section's end.
//
// `types_start` is the section's offset in the blob, and element 0 of the arrays is type ID `first_id`; both
// are used in messages. Throws Error (format).
void scan_records(Bytes types, ByteOrder order, const Shapes& shapes, std::uint64_t types_start,
                  std::uint32_t first_id, ScannedRecords& scanned);

// Fast version of scan_records() that handles only the valid start of a section. Finds the same records, but
// stops before an invalid record and always before the last few kilobytes. Call scan_records() for the rest.
// Never throws. The four bytes before the section must be readable.
void scan_records_interleaved(Bytes types, ByteOrder order, const Shapes& shapes, ScannedRecords& scanned,
                              Vectors vectors = best_vectors());

}  // namespace btfmmap
