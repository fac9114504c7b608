#pragma once

#include <optional>

#include "core/base/bytes.hpp"
#include "core/format/header.hpp"
#include "core/kernel_rules/reporter.hpp"

namespace btfmmap::kernel_rules {

// How the kernel takes a BTF.
enum class Loading : std::uint8_t {
    program,  // bpf(BPF_BTF_LOAD): btf_parse()
    kernel,   // a module's, or the distilled base of one: btf_parse_module(), btf_parse_base()
};

// Checks the header and the two sections as a whole (btf_parse_hdr, btf_parse_str_sec, btf_parse_type_sec).
// `order` is the file's byte order, little for bytes without a magic number.
//
// Returns the header if the type and the string section are inside the blob, so that records can be checked.
// Unlike that of parse_header(), it may break rules.
std::optional<Header> check_header(Bytes blob, ByteOrder order, Loading loading, bool split,
                                   Reporter& reporter);

}  // namespace btfmmap::kernel_rules
