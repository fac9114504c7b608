#pragma once

#include <cstdint>
#include <optional>

#include "core/base/bytes.hpp"
#include "core/base/endian.hpp"

namespace btfmmap {

// A validated BTF header: its sections lie inside the blob. Offsets count from the end of the header, as in
// the file. Offsets and sizes have 32 bits in the file, and 64 bits here, so that sums do not overflow.
struct Header {
    ByteOrder order;
    std::uint8_t version;
    std::uint8_t flags;
    std::uint64_t size;
    std::uint64_t type_offset, type_size;
    std::uint64_t string_offset, string_size;
    std::uint64_t layout_offset, layout_size;

    std::uint64_t type_start() const { return size + type_offset; }
    std::uint64_t string_start() const { return size + string_offset; }
    std::uint64_t layout_start() const { return size + layout_offset; }

    Bytes types(Bytes blob) const { return blob.slice(type_start(), type_size); }
    Bytes strings(Bytes blob) const { return blob.slice(string_start(), string_size); }
    // Returns an empty range if there is no layout section. Its offset is then not validated.
    Bytes layout(Bytes blob) const {
        return layout_size == 0 ? Bytes{} : blob.slice(layout_start(), layout_size);
    }
};

// Returns the byte order of the magic number at the start of a BTF or of a .BTF.ext section; none if the
// bytes do not start with it.
std::optional<ByteOrder> magic_byte_order(Bytes head);

// Parses and validates a header. Rejects what libbpf's btf_parse_hdr and btf_parse_str_sec reject, and also a
// version other than 1 and a header shorter than 24 bytes.
//
// `split` tells whether there is a base. A standalone BTF is then rejected; libbpf accepts it, but resolves
// its names in the base. Throws Error: missing_base for a split BTF without its base, otherwise format.
Header parse_header(Bytes blob, bool split);

}  // namespace btfmmap
