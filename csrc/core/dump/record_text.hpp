#pragma once

#include <cstddef>
#include <cstdint>

#include "core/btf/record.hpp"
#include "core/text/text_writer.hpp"

// Names in raw and JSON dumps.
namespace btfmmap {

// Returns the string at an offset and what follows it. The string is "(anon)" for offset 0, as in bpftool. It
// is "(invalid)" for an offset past the strings, which only bytes that changed after validation contain.
inline Bytes string_text(const TypeRecord& record, std::uint32_t offset) {
    static constexpr char anonymous[sizeof(U8x16)] = "(anon)";  // a whole vector, as TextWriter reads it
    static constexpr char invalid[sizeof(U8x16)] = "(invalid)";
    const auto bytes_of = [](const char (&text)[sizeof(U8x16)]) -> Bytes {
        return {reinterpret_cast<const std::byte*>(text), sizeof text};
    };
    if (offset == 0) {
        return bytes_of(anonymous);
    }
    const Strings& strings = record.btf->strings();
    return offset < strings.end() ? strings.rest(offset) : bytes_of(invalid);
}

inline Bytes name_text(const TypeRecord& record) {
    return string_text(record, record.index->name_off(record.row));
}

}  // namespace btfmmap
