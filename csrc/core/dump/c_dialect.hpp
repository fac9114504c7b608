#pragma once

#include <cstdint>

namespace btfmmap {

// The C that types are written in.
enum class CDialect : std::uint8_t {
    // The text of libbpf's btf_dump. Compilers lay out some of its types differently from the BTF.
    bpftool,
    // Compilers with -fms-extensions lay out each type as the BTF says. Throws Error (not_supported) for a
    // type
    // that C cannot express.
    laid_out,
    // Compilers lay out each type as the BTF says, without flags. What C cannot express is left out, with a
    // comment. C11 and C23 differ in their keywords.
    c11,
    c23,
};

constexpr bool is_standard(CDialect dialect) { return dialect == CDialect::c11 || dialect == CDialect::c23; }

}  // namespace btfmmap
