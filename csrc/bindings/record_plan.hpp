#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/decode/bitfield.hpp"

namespace btfmmap::bindings {

// How the values of one member become Python objects.
enum class Conversion : std::uint8_t {
    unsigned_integer,
    signed_integer,
    boolean,
    floating,
    bytes,  // as they are
    chars,  // bytes without the NULs at the end
    text,   // str, up to the first NUL
    bitfield,
    boolean_bitfield,
    record,  // dict
    refused,
};

struct RecordPlan;

// One member of a struct: its key in the dict, and where and how it is read.
struct MemberPlan {
    struct Dimension {
        std::size_t count;
        std::size_t stride;  // in bytes
    };

    pybind11::str key;
    Conversion conversion;
    std::size_t offset;
    std::size_t size;                   // of one value, in bytes
    std::vector<Dimension> dimensions;  // of an array, the outermost first
    Bitfield bitfield;
    const RecordPlan* record;  // for Conversion::record
    pybind11::object names;    // a dict of the names of an enum's values, or null
    std::string error;         // for Conversion::refused
};

struct RecordPlan {
    std::size_t size;  // in bytes
    std::vector<MemberPlan> members;
    pybind11::dict empty;  // has all keys; copied for each record
};

}  // namespace btfmmap::bindings
