#pragma once

#include <cstdint>

// The structs of Arrow's C data and C stream interfaces, whose layout is an ABI.
// Source: https://arrow.apache.org/docs/format/CDataInterface.html
namespace btfmmap::arrow {

struct Schema {
    const char* format;
    const char* name;
    const char* metadata;
    std::int64_t flags;
    std::int64_t child_count;
    Schema** children;
    Schema* dictionary;
    void (*release)(Schema*);
    void* private_data;
};

struct Array {
    std::int64_t length;
    std::int64_t null_count;
    std::int64_t offset;
    std::int64_t buffer_count;
    std::int64_t child_count;
    const void** buffers;
    Array** children;
    Array* dictionary;
    void (*release)(Array*);
    void* private_data;
};

struct Stream {
    int (*get_schema)(Stream*, Schema* out);
    int (*get_next)(Stream*, Array* out);
    const char* (*get_last_error)(Stream*);
    void (*release)(Stream*);
    void* private_data;
};

}  // namespace btfmmap::arrow
