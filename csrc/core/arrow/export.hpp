#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/arrow/c_data_interface.hpp"

namespace btfmmap::arrow {

// One column to hand over: a format string of Arrow's C data interface, such as "I" for u32, and its buffers,
// starting with the bitmap of valid rows: nullptr, because no row is null. With a dictionary, the
// column has the indices of the dictionary's rows.
struct Column {
    std::string name;
    std::string format;
    std::int64_t rows;
    std::vector<const void*> buffers;
    std::shared_ptr<const void> owner;  // of the buffers
    std::shared_ptr<const Column> dictionary;
};

// Fills `out` with a struct type that has the columns as fields. Throws std::bad_alloc.
void export_schema(std::shared_ptr<const std::vector<Column>> columns, Schema* out);

// Fills `out` with a stream of one batch of `rows` rows. The buffers are not copied. Their owners are
// released together with what was taken from the stream, on any thread. Throws std::bad_alloc.
void export_stream(std::shared_ptr<const std::vector<Column>> columns, std::int64_t rows, Stream* out);

}  // namespace btfmmap::arrow
