#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

// The BTF wire format, as defined by the kernel's include/uapi/linux/btf.h. Sizes of records, offsets of
// fields and positions of bits are defined only here.
namespace btfmmap {

constexpr std::uint16_t kMagic = 0xeB9F;
constexpr std::uint8_t kVersion = 1;

// Offsets of the header's fields, in bytes.
struct HeaderField {
    static constexpr std::size_t magic = 0, version = 2, flags = 3, header_size = 4, type_offset = 8,
                                 type_size = 12, string_offset = 16, string_size = 20, layout_offset = 24,
                                 layout_size = 28;
};
constexpr std::uint32_t kMinHeaderSize = 24;
constexpr std::uint32_t kMaxHeaderSize = 32;  // with the layout fields, added in Linux 7.1

// The last byte of a string section is at this offset or before it: libbpf's BTF_MAX_STR_OFFSET.
constexpr std::uint32_t kMaxStringOffset = 0x7fffffff;

enum class Kind : std::uint8_t {
    Void,  // the implicit type ID 0, never stored; BTF_KIND_UNKN in the header file
    Int,
    Ptr,
    Array,
    Struct,
    Union,
    Enum,
    Fwd,
    Typedef,
    Volatile,
    Const,
    Restrict,
    Func,
    FuncProto,
    Var,
    Datasec,
    Float,
    DeclTag,
    TypeTag,
    Enum64,
};

constexpr bool is_composite(Kind kind) { return kind == Kind::Struct || kind == Kind::Union; }
constexpr bool is_enum(Kind kind) { return kind == Kind::Enum || kind == Kind::Enum64; }
// The kinds that libbpf's btf_is_mod accepts.
constexpr bool is_modifier(Kind kind) {
    return kind == Kind::Volatile || kind == Kind::Const || kind == Kind::Restrict || kind == Kind::TypeTag;
}
constexpr bool is_modifier_or_typedef(Kind kind) { return is_modifier(kind) || kind == Kind::Typedef; }

constexpr std::uint32_t info_vlen(std::uint32_t info) { return info & 0xffffff; }
constexpr std::uint8_t info_kind(std::uint32_t info) { return (info >> 24) & 0x7f; }
constexpr unsigned kKindFlagBit = 31;
constexpr bool info_kind_flag(std::uint32_t info) { return info >> kKindFlagBit; }
// Returns the kind in the low bits, and the kind flag in the highest.
constexpr std::uint8_t info_kind_byte(std::uint32_t info) { return static_cast<std::uint8_t>(info >> 24); }

// The three words that each record starts with.
struct HeadField {
    static constexpr std::size_t name_off = 0, info = 4, size_or_type = 8;
};
constexpr std::size_t kHeadSize = 12;

// Describes the records of a kind. The head is followed by `fixed` bytes and vlen elements of `element`
// bytes. The other fields locate name offsets and type IDs. Type IDs in the fixed part precede its other
// words.
struct Shape {
    static constexpr std::int8_t kNone = -1;

    bool known = false;
    std::uint8_t fixed = 0;
    std::uint8_t element = 0;
    bool head_refers = false;          // size_or_type is a type ID
    std::uint8_t fixed_types = 0;      // number of words of the fixed part that are type IDs
    std::int8_t element_name = kNone;  // byte offset of an element's name offset
    std::int8_t element_type = kNone;  // byte offset of an element's type ID

    std::uint64_t record_size(std::uint32_t vlen) const {
        return kHeadSize + fixed + std::uint64_t{vlen} * element;
    }
};

constexpr std::size_t kMaxKinds = 128;  // a kind is stored in seven bits
using Shapes = std::array<Shape, kMaxKinds>;

constexpr Shapes known_shapes() {
    constexpr auto none = Shape::kNone;
    constexpr Shape plain{true, 0, 0, false, 0, none, none};
    constexpr Shape reference{true, 0, 0, true, 0, none, none};
    constexpr Shape composite{true, 0, 12, false, 0, 0, 4};

    Shapes shapes{};
    auto set = [&shapes](Kind kind, Shape shape) { shapes[static_cast<std::size_t>(kind)] = shape; };
    set(Kind::Int, {true, 4, 0, false, 0, none, none});
    set(Kind::Ptr, reference);
    set(Kind::Array, {true, 12, 0, false, 2, none, none});
    set(Kind::Struct, composite);
    set(Kind::Union, composite);
    set(Kind::Enum, {true, 0, 8, false, 0, 0, none});
    set(Kind::Fwd, plain);
    set(Kind::Typedef, reference);
    set(Kind::Volatile, reference);
    set(Kind::Const, reference);
    set(Kind::Restrict, reference);
    set(Kind::Func, reference);
    set(Kind::FuncProto, {true, 0, 8, true, 0, 0, 4});
    set(Kind::Var, {true, 4, 0, true, 0, none, none});
    set(Kind::Datasec, {true, 0, 12, false, 0, none, 0});
    set(Kind::Float, plain);
    set(Kind::DeclTag, {true, 4, 0, true, 0, none, none});
    set(Kind::TypeTag, reference);
    set(Kind::Enum64, {true, 0, 12, false, 0, 0, none});
    return shapes;
}

constexpr Shapes kShapes = known_shapes();

// An entry of the layout section (Linux 7.1). Each entry describes the records of one kind.
struct LayoutField {
    static constexpr std::size_t fixed = 0, element = 1, flags = 2;
};
constexpr std::size_t kLayoutSize = 4;

constexpr const Shape& shape_of(Kind kind) { return kShapes[static_cast<std::size_t>(kind)]; }

struct ArrayField {
    static constexpr std::size_t type = 0, index_type = 4, nelems = 8;
};
struct MemberField {
    static constexpr std::size_t name_off = 0, type = 4, offset = 8;
};
struct ParamField {
    static constexpr std::size_t name_off = 0, type = 4;
};
struct EnumField {
    static constexpr std::size_t name_off = 0, value = 4, value_high = 8;  // value_high: ENUM64 only
};
struct SecinfoField {
    static constexpr std::size_t type = 0, offset = 4, size = 8;
};

// The .BTF.ext section of a BPF object, as defined by libbpf's struct btf_ext_header and the kernel's
// include/uapi/linux/bpf.h. Offsets are relative to the end of the header.
struct ExtHeaderField {
    static constexpr std::size_t magic = 0, version = 2, flags = 3, header_size = 4, func_info_offset = 8,
                                 func_info_size = 12, line_info_offset = 16, line_info_size = 20,
                                 core_relo_offset = 24, core_relo_size = 28;
};
constexpr std::uint32_t kMinExtHeaderSize = 24;
constexpr std::uint32_t kMaxExtHeaderSize = 32;
struct ExtSectionField {
    static constexpr std::size_t name_off = 0, records = 4;
};
constexpr std::size_t kExtSectionSize = 8;
struct FuncInfoField {
    static constexpr std::size_t insn_off = 0, type = 4;
};
struct LineInfoField {
    static constexpr std::size_t insn_off = 0, file_name_off = 4, line_off = 8, line_column = 12;
};
struct CoreReloField {
    static constexpr std::size_t insn_off = 0, type = 4, access_off = 8, kind = 12;
};
constexpr std::uint32_t kFuncInfoSize = 8, kLineInfoSize = 16, kCoreReloSize = 16;
constexpr std::uint32_t line_number(std::uint32_t word) { return word >> 10; }
constexpr std::uint32_t line_column(std::uint32_t word) { return word & 0x3ff; }

constexpr std::uint8_t int_encoding(std::uint32_t word) { return (word >> 24) & 0x0f; }
constexpr std::uint8_t int_bit_offset(std::uint32_t word) { return (word >> 16) & 0xff; }
constexpr std::uint8_t int_bits(std::uint32_t word) { return word & 0xff; }

// If the kind flag is set, the offset word of a member also contains the size of its bitfield.
constexpr unsigned kBitfieldSizeBit = 24;
constexpr std::uint32_t member_bit_offset(std::uint32_t word, bool kind_flag) {
    return kind_flag ? word & 0xffffff : word;
}
constexpr std::uint8_t member_bitfield_size(std::uint32_t word, bool kind_flag) {
    return kind_flag ? static_cast<std::uint8_t>(word >> kBitfieldSizeBit) : 0;
}

}  // namespace btfmmap
