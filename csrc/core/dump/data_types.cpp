#include "core/dump/data_types.hpp"

#include <algorithm>
#include <tuple>

#include "core/base/error.hpp"
#include "core/btf/record.hpp"
#include "core/index/enums.hpp"

namespace btfmmap {

namespace {

using std::uint32_t;
using std::uint64_t;

constexpr uint32_t kMaxMembers = 1 << 16;

DataType read_type(const Btf& btf, const Sizes& sizes, uint32_t id) {
    const TypeRecord record(btf, id);
    DataType type{};
    type.id = id;
    type.kind = record.kind();
    type.size = sizes.size(id);
    if (type.kind == Kind::Int) {
        const uint32_t word = record.word(kHeadSize);
        const std::uint8_t bits = int_bits(word);
        constexpr std::uint8_t is_signed = 1;
        type.is_signed = (int_encoding(word) & is_signed) != 0;
        type.int_bits = bits < 8 * type.size ? bits : std::uint8_t{0};
        type.int_offset = int_bit_offset(word);
    } else if (type.kind == Kind::Array) {
        type.nelems = record.word(kHeadSize + ArrayField::nelems);
    } else if (type.kind == Kind::Var) {
        type.linkage = record.word(kHeadSize);
    } else if (is_enum(type.kind)) {
        type.is_signed = enum_is_signed(*record.index, static_cast<uint32_t>(record.row));
    }
    return type;
}

}  // namespace

DataTypes::DataTypes(const Btf& btf, const Sizes& sizes)
    : btf_(btf),
      sizes_(sizes),
      output_([this](const Output::Buffer& buffer, std::size_t size) { cast_.append(buffer.get(), size); }),
      limits_(btf),
      names_(btf, limits_, CNames::Conflicts::ignored),
      declarations_(btf, sizes, names_, limits_, output_, CDeclarations::Fidelity::layout,
                    CDeclarations::Style::cast) {}

DataPart DataTypes::part(uint32_t type_id, uint32_t name_off, uint64_t bit_offset,
                         std::uint8_t bitfield_size) {
    return {type_id, name_off, bit_offset, bitfield_size, &resolved(type_id), {}, {}};
}

DataType& DataTypes::resolved(uint32_t type_id) {
    const uint32_t below = sizes_.resolved(type_id);
    const uint32_t id = below == Sizes::kNoType ? type_id : below;
    const auto found = types_.find(id);
    return found != types_.end() ? found->second
                                 : types_.emplace(id, read_type(btf_, sizes_, id)).first->second;
}

void DataTypes::expand(DataType& type) {
    const TypeRecord record(btf_, type.id);
    switch (type.kind) {
        case Kind::Struct:
        case Kind::Union: {
            const uint32_t count = record.elements();
            if (count > kMaxMembers) {
                throw Error::format("type [" + std::to_string(type.id) + "] has more than 65,536 members", {},
                                    type.id);
            }
            const bool flag = record.flag();
            type.parts.reserve(count);
            for (uint32_t i = 0; i != count; ++i) {
                const std::byte* member = record.element(i);
                const uint32_t word = record.load(member + MemberField::offset);
                type.parts.push_back(part(record.element_type(i, MemberField::type),
                                          record.load(member + MemberField::name_off),
                                          member_bit_offset(word, flag), member_bitfield_size(word, flag)));
            }
            break;
        }
        case Kind::Datasec: {
            const uint32_t count = record.elements();
            type.parts.reserve(count);
            for (uint32_t i = 0; i != count; ++i) {
                const uint64_t offset = record.load(record.element(i) + SecinfoField::offset);
                type.parts.push_back(part(record.element_type(i, SecinfoField::type), 0, 8 * offset, 0));
            }
            break;
        }
        case Kind::Array:
        case Kind::Var:
            type.parts.push_back(part(record.target()));
            break;
        case Kind::Enum:
        case Kind::Enum64: {
            const uint32_t count = record.elements();
            type.enumerators.reserve(count);
            for (uint32_t i = 0; i != count; ++i) {
                const uint64_t value = enum_value(*record.index, type.kind, record.element(i));
                const auto extended = static_cast<uint64_t>(signed_enum_value(type.kind, value));
                type.enumerators.push_back({type.is_signed ? extended : value, i});
            }
            std::sort(type.enumerators.begin(), type.enumerators.end(), [](const auto& a, const auto& b) {
                return std::tie(a.value, a.number) < std::tie(b.value, b.number);
            });
            break;
        }
        default:
            break;
    }
    type.is_expanded = true;
}

std::string_view DataTypes::enumerator(DataType& type, uint64_t value) {
    if (!type.is_expanded) {
        expand(type);
    }
    const auto found =
        std::lower_bound(type.enumerators.begin(), type.enumerators.end(), value,
                         [](const DataType::Enumerator& each, uint64_t wanted) { return each.value < wanted; });
    if (found == type.enumerators.end() || found->value != value) {
        return {};
    }
    const TypeRecord record(btf_, type.id);
    return string(record.load(record.element(found->number) + EnumField::name_off));
}

std::string_view DataTypes::cast(uint32_t type_id) {
    const auto found = casts_.find(type_id);
    if (found != casts_.end()) {
        return found->second;
    }
    cast_.clear();
    declarations_.declare(type_id, "");
    output_.flush();
    return casts_.emplace(type_id, cast_).first->second;
}

std::string_view DataTypes::string(uint32_t offset) const {
    if (offset == 0 || offset >= btf_.strings().end()) {
        return {};
    }
    return btf_.strings().at(offset);
}

std::string_view DataTypes::name(uint32_t type_id) const {
    const Index& index = btf_.index().owner(type_id);
    return string(index.name_off(type_id - index.first_id()));
}

}  // namespace btfmmap
