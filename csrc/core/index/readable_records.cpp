#include "core/index/readable_records.hpp"

namespace btfmmap {

ReadableRecords::ReadableRecords(Bytes types, ByteOrder order, const Shapes& shapes, const Index* base,
                                 std::uint64_t types_start) {
    try {
        index_.emplace(types, order, shapes, base, types_start);
    } catch (const Error& error) {
        const std::uint64_t good = error.offset ? *error.offset - types_start : 0;
        index_.emplace(types.slice(0, good), order, shapes, base, types_start);
        unread_ = types.size - good;
        error_ = error;
    }
}

}  // namespace btfmmap
