#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/base/bytes.hpp"
#include "core/base/endian.hpp"
#include "core/format/wire_format.hpp"

namespace btfmmap {

// The largest name offset and the largest type id of some records: all that needs to be asked of valid ones.
struct MaxReferences {
    std::uint32_t name_off = 0;
    std::uint32_t type = 0;

    void merge(MaxReferences other) {
        name_off = std::max(name_off, other.name_off);
        type = std::max(type, other.type);
    }
};

// The records of a type section that were found so far: the first `count` items of the arrays tell where each
// starts and of which kind it is, and the next one starts at `end`.
struct ScannedRecords {
    std::uint32_t* offsets;
    std::uint8_t* kinds;
    std::size_t count;
    std::size_t end;
    // An upper bound for the heads of these records: a wrong guess of scan_records_interleaved() may leave it
    // higher than their maximum.
    MaxReferences max_references;
};

// Finds all records from `walked.end` to the section's end, one after another. Refuses, as libbpf's
// btf_parse_type_sec does, a kind of unknown size and a record that does not end within the section: throws
// Error (format), where `types_start` is the section's place in the blob and item 0 is type id `first_id`.
void scan_records(Bytes types, ByteOrder order, const Shapes& shapes, std::size_t types_start,
                  std::uint32_t first_id, ScannedRecords& scanned);

// Finds what that would find, but faster and only as far as all is well: it never throws, and leaves the rest
// of the section, always its last few kilobytes, to it.
void scan_records_interleaved(Bytes types, ByteOrder order, const Shapes& shapes, ScannedRecords& scanned);

}  // namespace btfmmap
