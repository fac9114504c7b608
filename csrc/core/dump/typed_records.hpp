#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/bytes.hpp"
#include "core/dump/typed_data.hpp"
#include "core/text/output.hpp"

namespace btfmmap {

// Formats values of one type that follow one another, such as the records of a ring buffer.
class TypedRecords {
public:
    // `values` must outlive this object. `size` is that of a record, if it is more than the size of the type.
    //
    // Throws Error: format if `data` is not a whole number of records; invalid_argument if `size` is less
    // than the size of the type.
    TypedRecords(TypedData& values, Bytes data, std::optional<std::int64_t> size);

    std::uint64_t count() const { return count_; }

    // Returns the text of a record, valid until the next call. Throws the errors of TypedData::format(), with
    // the number of the record in the message.
    std::string_view format(std::uint64_t number);

    // Writes the text of each record, followed by `end`. If it throws, the records before are written.
    void write(std::string_view end, Output& output);

private:
    TypedData& values_;
    Bytes data_;
    std::uint64_t size_;
    std::uint64_t count_;
};

}  // namespace btfmmap
