#pragma once

#include <cstdint>

#include "core/base/bytes.hpp"
#include "core/base/endian.hpp"

namespace btfmmap {

// A BTF header whose sections lie inside the blob. Offsets count from the header's end, as in the file, where
// they and the sizes have 32 bits; here they have 64, so that sums do not wrap.
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
    // Where there is none, its offset may be anything.
    Bytes layout(Bytes blob) const {
        return layout_size == 0 ? Bytes{} : blob.slice(layout_start(), layout_size);
    }
};

// Whether a blob starts as raw BTF does, in either byte order.
bool starts_as_btf(Bytes head);

// Refuses what libbpf's btf_parse_hdr and btf_parse_str_sec refuse, a version other than 1, and a header
// shorter than 24 bytes. `split`: it continues a base; a BTF that stands alone is then refused, which libbpf
// opens with the base's names in the place of its own. Throws Error: missing_base for what cannot stand
// alone, else format.
Header parse_header(Bytes blob, bool split);

}  // namespace btfmmap
