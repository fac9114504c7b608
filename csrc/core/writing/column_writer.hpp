#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/names/strings.hpp"
#include "core/writing/draft.hpp"

// The inverse of core/tables: writes records from columns.
namespace btfmmap::writing {

// Name offsets, one per row. nullptr: no row has a name.
struct NameColumn {
    const std::uint32_t* offsets = nullptr;
    // What the offsets refer to, whose strings are added to the draft's. nullptr: they are the draft's own.
    const Strings* strings = nullptr;
};

// One row per record. A row of kind Void is skipped.
struct TypeColumns {
    std::size_t rows = 0;
    const std::uint32_t* id = nullptr;
    const std::uint8_t* kind = nullptr;
    const std::uint8_t* kind_flag = nullptr;  // nullptr: set where the elements need it
    const std::uint32_t* vlen = nullptr;      // nullptr: the number of elements
    const std::uint32_t* size_or_type = nullptr;
    NameColumn names;
};

// Elements of records, in the order of the records that they belong to. Those of row r of the types are the
// rows from indptr[r] up to, but not including, indptr[r + 1].
struct ElementColumns {
    std::size_t rows = 0;
    const std::uint32_t* indptr = nullptr;
    NameColumn names;
    const std::uint32_t* type = nullptr;
    const std::uint32_t* bit_offset = nullptr;    // members
    const std::uint8_t* bitfield_size = nullptr;  // members
    const std::int64_t* value = nullptr;          // enumerators
    const std::uint8_t* is_signed = nullptr;      // enumerators
    const std::uint32_t* offset = nullptr;        // entries of a DATASEC
    const std::uint32_t* size = nullptr;          // entries of a DATASEC
};

// The fixed parts of records, one row per record of the kind, in the order of the records.
struct FixedColumns {
    std::size_t rows = 0;
    const std::uint32_t* words[3] = {};
};

struct TableColumns {
    TypeColumns types;
    ElementColumns members, params, enumerators, secinfos;
    FixedColumns ints;  // one word, as in the record
    FixedColumns arrays, vars, decl_tags;
    FixedColumns funcs;  // the linkage; without rows, it is the vlen
};

// Appends the records. IDs of the column `id` are replaced by those of the new records wherever they are
// referred to; other IDs are those of the draft. Returns the new ID of each row, 0 for kind Void. Throws
// Error (invalid_argument), which names the record; the draft is then unchanged, but may have more strings.
std::vector<std::uint32_t> write_columns(const TableColumns& tables, Draft& draft);

}  // namespace btfmmap::writing
