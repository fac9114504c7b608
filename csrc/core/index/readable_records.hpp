#pragma once

#include <cstdint>
#include <optional>

#include "core/base/error.hpp"
#include "core/index/index.hpp"

namespace btfmmap {

// The records of a type section up to the first one of unknown size, where the others cannot be found.
class ReadableRecords {
public:
    // The arguments are those of Index.
    ReadableRecords(Bytes types, ByteOrder order, const Shapes& shapes, const Index* base,
                    std::uint64_t types_start);

    // Not an error: the index may end before the section.
    const Index& index() const { return *index_; }
    // What is wrong with the record after those of the index; none if they are all.
    const std::optional<Error>& error() const { return error_; }
    // The number of bytes of the section after those records.
    std::uint64_t unread() const { return unread_; }

private:
    std::optional<Index> index_;
    std::optional<Error> error_;
    std::uint64_t unread_ = 0;
};

}  // namespace btfmmap
