#include "core/core_relo/values.hpp"

#include "core/core_relo/types.hpp"
#include "core/index/enums.hpp"

namespace btfmmap::core_relo {

namespace {

using std::uint32_t;

constexpr uint32_t kMaxLoad = 8;     // bytes that one instruction reads
constexpr std::uint8_t kSigned = 1;  // of an INT's encoding

Value failed(Failure failure) {
    Value value;
    value.failure = failure;
    return value;
}

// Sizes of fields that libbpf cannot calculate are all the same error to it.
Failure invalid_size(const SizeResult& size) {
    Failure failure = size.failure;
    if (failure) {
        failure.error = EINVAL;
    }
    return failure;
}

// Returns the innermost element type of an array, and other types as they are, below their typedefs.
std::optional<uint32_t> innermost(const Btf& btf, uint32_t type_id) {
    for (unsigned depth = 0; depth != kMaxChain; ++depth) {
        const auto resolved = resolve(btf, type_id);
        if (!resolved) {
            return std::nullopt;
        }
        const TypeRecord record(btf, *resolved);
        if (record.kind() != Kind::Array) {
            return resolved;
        }
        type_id = record.target();
    }
    return std::nullopt;
}

// Sets the type and size of a field whose offset is relocated.
void set_size(const Btf& btf, uint32_t type_id, Value& value) {
    const auto element = innermost(btf, type_id);
    if (!element) {
        value.failure = Failure::invalid(Reason::chain_too_long, type_id);
        return;
    }
    const SizeResult size = size_of(btf, *element);
    value.failure = invalid_size(size);
    value.size = static_cast<uint32_t>(size.bytes);
    value.type = type_id;
}

Value value_of_element(const Btf& btf, ReloKind kind, const Position& position) {
    Value value;
    if (kind == ReloKind::FieldByteOffset) {
        value.value = position.bit_offset / 8;
        set_size(btf, position.type, value);
    } else if (kind == ReloKind::FieldByteSize) {
        const SizeResult size = size_of(btf, position.type);
        value.failure = invalid_size(size);
        value.value = size.bytes;
    } else {
        value.failure = Failure::invalid(Reason::array_element, position.type);
    }
    return value;
}

// The bytes that a load has to read, and which of their bits are the field. Sums are modulo 2^32, as in
// libbpf.
struct Load {
    Failure failure;
    uint32_t byte_offset = 0;
    uint32_t bytes = 0;
    uint32_t bit_offset = 0;
    uint32_t bits = 0;
};

Load load_of_bitfield(uint32_t struct_id, uint32_t number, uint32_t bit_offset, uint32_t bits,
                      uint32_t type_size) {
    if (type_size == 0) {
        return {Failure::invalid(Reason::bitfield_of_no_size, struct_id, number)};
    }
    uint32_t bytes = type_size;
    uint32_t byte_offset = bit_offset / 8 / bytes * bytes;
    while (bit_offset + bits - byte_offset * 8 > bytes * 8) {
        if (bytes >= kMaxLoad) {
            return {Failure::too_big(Reason::bitfield_too_wide, struct_id, number)};
        }
        bytes *= 2;
        byte_offset = bit_offset / 8 / bytes * bytes;
    }
    return {{}, byte_offset, bytes, bit_offset, bits};
}

uint32_t left_shift(const Load& load, ByteOrder order) {
    const uint32_t bits_before = load.bit_offset - load.byte_offset * 8;
    return order == ByteOrder::little ? 64 - (bits_before + load.bits) : (8 - load.bytes) * 8 + bits_before;
}

bool is_signed(const TypeRecord& type) {
    return is_enum(type.kind())
               ? type.flag()
               : type.kind() == Kind::Int && (int_encoding(type.word(kHeadSize)) & kSigned) != 0;
}

Value value_of_member(const Btf& btf, ReloKind kind, const Position& position, ByteOrder order) {
    const Member member = member_of(TypeRecord(btf, position.type), position.index);
    const auto resolved = resolve(btf, member.type);
    if (!resolved) {
        return failed(Failure::invalid(Reason::chain_too_long, member.type));
    }
    const TypeRecord type(btf, *resolved);
    const bool bitfield = member.bitfield_size != 0;
    Load load;
    if (bitfield) {
        load = load_of_bitfield(position.type, position.index, position.bit_offset, member.bitfield_size,
                                type.kind() == Kind::Void ? 0 : type.size_or_type());
    } else {
        const SizeResult size = size_of(btf, type.id);
        const auto bytes = static_cast<uint32_t>(size.bytes);
        load = {invalid_size(size), position.bit_offset / 8, bytes, position.bit_offset, bytes * 8};
    }
    Value value;
    value.failure = load.failure;
    if (load.failure) {
        return value;
    }
    // Compilers may choose other loads for a bitfield. Its sign and right shift are the same for all loads.
    value.validate = !bitfield;
    switch (kind) {
        case ReloKind::FieldByteOffset:
            value.value = load.byte_offset;
            if (!bitfield) {
                set_size(btf, type.id, value);
            }
            break;
        case ReloKind::FieldByteSize:
            value.value = load.bytes;
            break;
        case ReloKind::FieldSigned:
            value.value = is_signed(type);
            value.validate = true;
            break;
        case ReloKind::FieldLshiftU64:
            value.value = left_shift(load, order);
            break;
        default:  // FieldRshiftU64
            value.value = 64 - load.bits;
            value.validate = true;
    }
    return value;
}

Value value_of_type(const Btf& btf, ReloKind kind, uint32_t root) {
    Value value;
    switch (kind) {
        case ReloKind::TypeIdLocal:
        case ReloKind::TypeIdTarget:
            // Linkers renumber types without changing the instruction.
            value.validate = false;
            value.value = root;
            break;
        case ReloKind::TypeSize: {
            const SizeResult size = size_of(btf, root);
            value.failure = invalid_size(size);
            value.value = size.bytes;
            break;
        }
        default:
            value.value = 1;
    }
    return value;
}

Value value_of_enumerator(const Btf& btf, ReloKind kind, const Position& position) {
    Value value;
    value.value = 1;
    if (kind == ReloKind::EnumvalValue) {
        const TypeRecord record(btf, position.type);
        const std::uint64_t stored = enum_value(*record.index, record.kind(), record.element(position.index));
        // 32 bits are sign-extended, even where the enum is unsigned.
        value.value = static_cast<std::uint64_t>(signed_enum_value(record.kind(), stored));
    }
    return value;
}

}  // namespace

Value value_of(const Btf& btf, ReloKind kind, std::uint32_t root, const Position& position, ByteOrder order) {
    if (is_type(kind)) {
        return value_of_type(btf, kind, root);
    }
    if (is_enum_value(kind)) {
        return value_of_enumerator(btf, kind, position);
    }
    if (kind == ReloKind::FieldExists) {
        Value value;
        value.value = 1;
        return value;
    }
    return position.named ? value_of_member(btf, kind, position, order)
                          : value_of_element(btf, kind, position);
}

}  // namespace btfmmap::core_relo
