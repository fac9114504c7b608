#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "core/base/error.hpp"
#include "core/index/index.hpp"
#include "core/simd/processor.hpp"

namespace btfmmap {

// Validates what records refer to. Name offsets must be below `strings_end`, type IDs must exist in the index
// or its base, and a FUNC's type must be a FUNC_PROTO. Rejects what libbpf's btf_sanity_check rejects, and
// also a prototype's return type past the last type.
//
// `types_start` is the type section's offset in the blob, used in messages. Throws Error (format).
void validate_references(const Index& index, std::uint64_t strings_end, std::uint64_t types_start);

// Fast SIMD pre-check. True guarantees that all references are valid; false means "run
// each_invalid_reference()", and is rarely wrong on a valid file.
bool references_valid_simd(const Index& index, std::uint64_t strings_end, Vectors vectors = best_vectors());

using ReportError = std::function<void(Error&&)>;

// Scalar validation, which continues after an error. Calls `report` for each invalid reference, in the order
// of records and of the words in them. `ids_end` is one past the last possible type ID: the index's end_id(),
// or more if only a part of the section could be scanned.
//
// `report_entry`, unless empty, is called for each entry of a DATASEC that is neither a VAR nor a FUNC, in
// the same order. The kernel rejects such an entry; libbpf and validate_references() accept it.
void each_invalid_reference(const Index& index, std::uint64_t strings_end, std::uint64_t ids_end,
                            std::uint64_t types_start, const ReportError& report,
                            const ReportError& report_entry = {});

}  // namespace btfmmap
