#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstddef>
#include <vector>

#include "bindings/record_plan.hpp"
#include "core/base/endian.hpp"

namespace btfmmap::bindings {

// Converts records of one struct to dicts. Immutable.
class RecordReader {
public:
    // `records` has a tuple for each struct: its size and a list of its members. The structs inside of others
    // come before them, and the last one is that of the records. A member is a tuple:
    //   key, offset, counts of an array's dimensions, conversion, size, bits before a bitfield, argument
    // The size is in bytes, or that of a bitfield in bits. The argument of a struct is its number in
    // `records`, and that of an enum is None or a dict of names.
    // Throws ValueError if a member lies outside of its struct.
    RecordReader(bool big_endian, const pybind11::list& records);

    RecordReader(const RecordReader&) = delete;
    RecordReader& operator=(const RecordReader&) = delete;

    // Returns the records of an array, which may have any strides: a dict if it has no axes, otherwise lists
    // of dicts that are nested as the axes are. Handles signals in between.
    pybind11::object read(const pybind11::array& records) const;

private:
    MemberPlan member_plan(const pybind11::tuple& row, std::size_t record_size) const;

    ByteOrder order_;
    std::vector<RecordPlan> records_;
};

}  // namespace btfmmap::bindings
