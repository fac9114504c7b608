#include "core/decode/value_type.hpp"

#include "core/btf/record.hpp"
#include "core/index/enums.hpp"

namespace btfmmap {

namespace {

constexpr std::uint8_t kSigned = 1;  // BTF_INT_SIGNED

std::uint32_t below(const Sizes& sizes, std::uint32_t type_id) {
    const std::uint32_t resolved = sizes.resolved(type_id);
    return resolved == Sizes::kNoType ? type_id : resolved;
}

}  // namespace

ValueType value_type(const Btf& btf, const Sizes& sizes, std::uint32_t type_id) {
    ValueType value{};
    value.id = below(sizes, type_id);
    value.kind = TypeRecord(btf, value.id).kind();
    while (value.kind == Kind::Array && value.dimension_count != ValueType::kMaxDimensions) {
        const TypeRecord array(btf, value.id);
        const std::uint32_t element = array.target();
        value.dimensions[value.dimension_count++] = {array.word(kHeadSize + ArrayField::nelems),
                                                     sizes.size(element)};
        value.id = below(sizes, element);
        value.kind = TypeRecord(btf, value.id).kind();
    }
    const TypeRecord record(btf, value.id);
    if (value.kind == Kind::Int) {
        const std::uint32_t word = record.word(kHeadSize);
        value.encoding = int_encoding(word);
        value.bit_offset = int_bit_offset(word);
        value.bits = int_bits(word);
        value.is_signed = (value.encoding & kSigned) != 0;
        value.is_char = btf.type_name(value.id) == "char";
    } else if (is_enum(value.kind)) {
        value.is_signed = enum_is_signed(*record.index, static_cast<std::uint32_t>(record.row));
    }
    if (value.kind == Kind::Ptr) {
        value.size = btf.pointer_size();
    } else if (value.kind == Kind::Int || value.kind == Kind::Float || is_enum(value.kind) ||
               is_composite(value.kind)) {
        value.size = record.size_or_type();
    }
    return value;
}

}  // namespace btfmmap
