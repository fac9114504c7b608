#include "core/dump/data_types.hpp"

#include <algorithm>
#include <new>
#include <tuple>

#include "core/base/error.hpp"
#include "core/btf/record.hpp"
#include "core/index/enums.hpp"
#include "core/text/text_writer.hpp"

namespace btfmmap {

namespace {

using std::uint32_t;
using std::uint64_t;

constexpr uint32_t kMaxMembers = 1 << 16;

constexpr std::size_t kSlots = 64;        // at the start; a power of two
constexpr std::size_t kTypesAtOnce = 16;  // allocated together
constexpr std::size_t kChunk = 1 << 13;   // of the arena

}  // namespace

DataTypes::DataTypes(const Btf& btf, const Sizes& sizes)
    : btf_(btf),
      sizes_(sizes),
      arena_(kChunk),
      slots_(kSlots),
      output_([this](const Output::Buffer& buffer, std::size_t size) { cast_.append(buffer.get(), size); },
              TextWriter::kSlack),
      limits_(btf),
      names_(btf, limits_, CNames::Conflicts::ignored, CDialect::laid_out),
      declarations_(btf, sizes, names_, limits_, output_, CDialect::laid_out, CDeclarations::Style::cast) {}

DataType& DataTypes::add(uint32_t type_id) {
    if (used_ == slots_.size()) {
        grow();
    }
    if (free_count_ == 0) {
        free_ = arena_.allocate<DataType>(kTypesAtOnce);
        free_count_ = kTypesAtOnce;
    }
    --free_count_;
    DataType& type = *new (free_++) DataType{};
    const TypeRecord record(btf_, type_id);
    type.id = type_id;
    type.kind = record.kind();
    type.size = sizes_.size(type_id);
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
    DataType*& first = slot(type_id);
    type.next = first;
    first = &type;
    ++used_;
    const uint32_t below = sizes_.resolved(type_id);
    type.below = below == type_id || below == Sizes::kNoType ? &type : &this->type(below);
    return type;
}

void DataTypes::grow() {
    std::vector<DataType*> old(4 * slots_.size());
    old.swap(slots_);
    for (DataType* type : old) {
        while (type != nullptr) {
            DataType* next = type->next;
            DataType*& first = slot(type->id);
            type->next = first;
            first = type;
            type = next;
        }
    }
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
            type.parts = arena_.allocate<DataPart>(count);
            for (uint32_t i = 0; i != count; ++i) {
                const std::byte* member = record.element(i);
                const uint32_t word = record.load(member + MemberField::offset);
                new (type.parts + i) DataPart(part(
                    record.element_type(i, MemberField::type), record.load(member + MemberField::name_off),
                    member_bit_offset(word, flag), member_bitfield_size(word, flag)));
            }
            type.count = count;
            break;
        }
        case Kind::Datasec: {
            const uint32_t count = record.elements();
            type.parts = arena_.allocate<DataPart>(count);
            for (uint32_t i = 0; i != count; ++i) {
                const uint64_t offset = record.load(record.element(i) + SecinfoField::offset);
                new (type.parts + i)
                    DataPart(part(record.element_type(i, SecinfoField::type), 0, 8 * offset, 0));
            }
            type.count = count;
            break;
        }
        case Kind::Array:
        case Kind::Var:
            type.parts = new (arena_.allocate<DataPart>(1)) DataPart(part(record.target()));
            type.count = 1;
            break;
        case Kind::Enum:
        case Kind::Enum64: {
            const uint32_t count = record.elements();
            type.enumerators = arena_.allocate<DataType::Enumerator>(count);
            for (uint32_t i = 0; i != count; ++i) {
                const uint64_t value = enum_value(*record.index, type.kind, record.element(i));
                const auto extended = static_cast<uint64_t>(signed_enum_value(type.kind, value));
                new (type.enumerators + i) DataType::Enumerator{type.is_signed ? extended : value, i};
            }
            std::sort(type.enumerators, type.enumerators + count, [](const auto& a, const auto& b) {
                return std::tie(a.value, a.number) < std::tie(b.value, b.number);
            });
            type.count = count;
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
    DataType::Enumerator* const end = type.enumerators + type.count;
    const auto* found = std::lower_bound(
        type.enumerators, end, value,
        [](const DataType::Enumerator& each, uint64_t wanted) { return each.value < wanted; });
    if (found == end || found->value != value) {
        return {};
    }
    const TypeRecord record(btf_, type.id);
    return string(record.load(record.element(found->number) + EnumField::name_off));
}

void DataTypes::make_cast(DataType& type) {
    cast_.clear();
    declarations_.declare(type.id, "");
    output_.flush();
    auto* text = arena_.allocate<char>(cast_.size());
    cast_.copy(text, cast_.size());
    type.cast = {text, cast_.size()};
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
