#pragma once

#include <cstddef>
#include <cstdint>

// The limits of kernel/bpf/btf.c and include/uapi/linux/btf.h in Linux 6.18.
namespace btfmmap::kernel_rules {

constexpr std::uint64_t kMaxSize = std::uint64_t{16} << 20;  // BTF_MAX_SIZE, of a program's BTF
constexpr std::uint32_t kMaxTypeId = 0x000fffff;             // BTF_MAX_TYPE
constexpr std::uint32_t kMaxNameOffset = 0x00ffffff;         // BTF_MAX_NAME_OFFSET
constexpr std::size_t kMaxName = 512;                        // KSYM_NAME_LEN
constexpr std::uint32_t kInfoMask = 0x9f00ffff;              // BTF_INFO_MASK
constexpr std::uint32_t kIntMask = 0x0fffffff;               // BTF_INT_MASK
constexpr std::uint32_t kMaxKind = 19;                       // BTF_KIND_MAX
constexpr std::uint32_t kMaxIntBits = 128;                   // BITS_PER_U128
constexpr unsigned kMaxDepth = 32;                           // MAX_RESOLVE_DEPTH
constexpr std::size_t kHeaderSize = 24;                      // sizeof(struct btf_header)
constexpr std::size_t kMaxSpecialFields = 11;                // BTF_FIELDS_MAX

constexpr std::uint32_t vlen_of(std::uint32_t info) { return info & 0xffff; }
constexpr std::uint32_t kind_of(std::uint32_t info) { return info >> 24 & 0x1f; }

constexpr bool is_power_of_two(std::uint32_t number) { return number != 0 && (number & (number - 1)) == 0; }
constexpr std::uint32_t bytes_of_bits(std::uint32_t bits) { return bits / 8 + (bits % 8 != 0 ? 1 : 0); }

}  // namespace btfmmap::kernel_rules
