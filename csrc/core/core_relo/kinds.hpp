#pragma once

#include <cstdint>

namespace btfmmap::core_relo {

// What a CO-RE relocation asks: `enum bpf_core_relo_kind` of the kernel's include/uapi/linux/bpf.h. Records
// may have other numbers.
enum class ReloKind : std::uint32_t {
    FieldByteOffset,
    FieldByteSize,
    FieldExists,
    FieldSigned,
    FieldLshiftU64,
    FieldRshiftU64,
    TypeIdLocal,
    TypeIdTarget,
    TypeExists,
    TypeSize,
    EnumvalExists,
    EnumvalValue,
    TypeMatches,
};
constexpr std::uint32_t kReloKinds = 13;

constexpr bool is_known(ReloKind kind) { return static_cast<std::uint32_t>(kind) < kReloKinds; }
constexpr bool is_field(ReloKind kind) { return kind <= ReloKind::FieldRshiftU64; }
constexpr bool is_enum_value(ReloKind kind) {
    return kind == ReloKind::EnumvalExists || kind == ReloKind::EnumvalValue;
}
constexpr bool is_type(ReloKind kind) { return is_known(kind) && !is_field(kind) && !is_enum_value(kind); }

// Whether the value is 0 if the target has no matching type. The other kinds poison the instruction.
constexpr bool is_zero_if_absent(ReloKind kind) {
    return kind == ReloKind::FieldExists || kind == ReloKind::EnumvalExists || is_type(kind);
}

}  // namespace btfmmap::core_relo
