#include "core/tables/tables.hpp"

#include <algorithm>
#include <cstring>

#include "core/index/enums.hpp"
#include "core/index/rows_of_kind.hpp"
#include "core/simd/u32x4.hpp"
#include "core/tables/children.hpp"
#include "core/tables/record_columns.hpp"

namespace btfmmap {

namespace {

using std::uint32_t;
using std::uint8_t;

// Loops store four rows at a time; any excess goes into the slack.
static_assert(Table::kSlack >= kColumnSlack);

// The deinterleaving loads return the words of records and elements in the order of their fields.
constexpr bool are_consecutive(std::size_t first, std::size_t second, std::size_t third = 8) {
    return first == 0 && second == 4 && third == 8;
}
static_assert(are_consecutive(HeadField::name_off, HeadField::info, HeadField::size_or_type));
static_assert(are_consecutive(MemberField::name_off, MemberField::type, MemberField::offset));
static_assert(are_consecutive(ParamField::name_off, ParamField::type));
static_assert(are_consecutive(EnumField::name_off, EnumField::value, EnumField::value_high));
static_assert(are_consecutive(SecinfoField::type, SecinfoField::offset, SecinfoField::size));

template <class Load>
bool kind_flag(const std::byte* record) {
    return info_kind_flag(Load::u32(record + HeadField::info));
}

void prepare_types(const Index& index, RecordColumns& columns) {
    columns.set_rows(index.rows());
    columns.add_view("kind", index.kinds());
    columns.add_view("offset", index.offsets());
}

template <Kind kind>
void prepare_rows(const Index& index, RecordColumns& columns) {
    columns.set_rows(RowsOfKind<kind>(index).records());
}

template <class Load, bool all>
void types(const Index& index, RecordColumns& columns) {
    const std::size_t rows = index.rows();
    const auto id = columns.sink<uint32_t, all>("id");
    const auto flag = columns.sink<bool, all>("kind_flag");
    const auto vlen = columns.sink<uint32_t, all>("vlen");
    const auto name_off = columns.sink<uint32_t, all>("name_off");
    const auto size_or_type = columns.sink<uint32_t, all>("size_or_type");

    // The row of void. In a split BTF, the first record overwrites it.
    id[0] = vlen[0] = name_off[0] = size_or_type[0] = 0;
    flag[0] = false;
    const std::byte* section = index.record(0);
    const uint32_t* offsets = index.offsets();
    const auto write_four = [=](std::size_t row, U32x4 ids, const uint32_t (&record_offsets)[kU32Lanes]) {
        const auto [names, infos, sizes_or_types] = gather_triples<Load>(section, record_offsets);
        store_u32x4(id + row, ids);
        store_low_bytes(flag + row, infos >> kKindFlagBit);
        store_u32x4(vlen + row, infos & info_vlen(UINT32_MAX));
        store_u32x4(name_off + row, names);
        store_u32x4(size_or_type + row, sizes_or_types);
    };
    std::size_t row = index.first_record();
    U32x4 ids = U32x4{0, 1, 2, 3} + index.id(row);
    for (; row + kU32Lanes <= rows; row += kU32Lanes, ids += kU32Lanes) {
        write_four(row, ids, {offsets[row], offsets[row + 1], offsets[row + 2], offsets[row + 3]});
    }
    if (row < rows) {
        // Repeats the last record to fill the vector.
        const auto offset_at = [=](std::size_t i) { return offsets[std::min(row + i, rows - 1)]; };
        write_four(row, ids, {offset_at(0), offset_at(1), offset_at(2), offset_at(3)});
    }
}

template <class Load, bool all>
void members(const Index& index, RecordColumns& columns) {
    const auto parent = columns.sink<uint32_t, all>("parent");
    const auto name_off = columns.sink<uint32_t, all>("name_off");
    const auto type = columns.sink<uint32_t, all>("type");
    const auto bit_offset = columns.sink<uint32_t, all>("bit_offset");
    const auto bitfield_size = columns.sink<uint8_t, all>("bitfield_size");
    write_children<Kind::Struct, Kind::Union>(
        index, parent, columns.indptr(), [=](uint32_t, const std::byte* record) {
            const U32x4 infos = U32x4{} + Load::u32(record + HeadField::info);
            const U32x4 flags = reinterpret_cast<U32x4>(reinterpret_cast<I32x4>(infos) >> kKindFlagBit);
            constexpr uint32_t offset_bits = member_bit_offset(UINT32_MAX, true);
            return [=](uint32_t row, const std::byte* elements) {
                const auto [names, types, offsets] = load_triples<Load>(elements);
                store_u32x4(name_off + row, names);
                store_u32x4(type + row, types);
                store_u32x4(bit_offset + row, offsets & (offset_bits | ~flags));
                store_low_bytes(bitfield_size + row, (offsets & flags) >> kBitfieldSizeBit);
            };
        });
}

template <class Load, bool all>
void params(const Index& index, RecordColumns& columns) {
    const auto parent = columns.sink<uint32_t, all>("parent");
    const auto name_off = columns.sink<uint32_t, all>("name_off");
    const auto type = columns.sink<uint32_t, all>("type");
    write_children<Kind::FuncProto>(index, parent, columns.indptr(), [=](uint32_t, const std::byte*) {
        return [=](uint32_t row, const std::byte* elements) {
            const auto [names, types] = load_pairs<Load>(elements);
            store_u32x4(name_off + row, names);
            store_u32x4(type + row, types);
        };
    });
}

template <class Load, bool all>
void enumerators(const Index& index, RecordColumns& columns) {
    const auto parent = columns.sink<uint32_t, all>("parent");
    const auto name_off = columns.sink<uint32_t, all>("name_off");
    const auto value = columns.sink<std::int64_t, all>("value");
    const auto is_signed = columns.sink<bool, all>("signed");
    write_children<Kind::Enum, Kind::Enum64>(
        index, parent, columns.indptr(), [=, &index](uint32_t type_row, const std::byte* record) {
            const Kind kind = index.kind(type_row);
            const bool wide = kind == Kind::Enum64;
            uint32_t negative = kind_flag<Load>(record);
            if (enum_is_narrow(kind, Load::u32(record + HeadField::size_or_type))) {
                negative = enum_is_signed(index, type_row);
            }
            const uint32_t four_flags = negative * 0x01010101;
            const U32x4 sign_mask = U32x4{} - negative;
            return [=](uint32_t row, const std::byte* elements) {
                std::memcpy(is_signed + row, &four_flags, sizeof four_flags);
                if (wide) {
                    const auto [names, low, high] = load_triples<Load>(elements);
                    store_u32x4(name_off + row, names);
                    store_i64(value + row, low, high);
                } else {
                    const auto [names, low] = load_pairs<Load>(elements);
                    store_u32x4(name_off + row, names);
                    const auto signs = reinterpret_cast<U32x4>(reinterpret_cast<I32x4>(low) >> 31);
                    store_i64(value + row, low, signs & sign_mask);
                }
            };
        });
}

template <class Load, bool all>
void arrays(const Index& index, RecordColumns& columns) {
    const RowsOfKind<Kind::Array> source(index);
    const auto id = columns.sink<uint32_t, all>("id");
    const auto type = columns.sink<uint32_t, all>("type");
    const auto index_type = columns.sink<uint32_t, all>("index_type");
    const auto nelems = columns.sink<uint32_t, all>("nelems");
    std::size_t row = 0;
    source.each([&](uint32_t from) {
        const std::byte* array = index.record(from) + kHeadSize;
        id[row] = index.id(from);
        type[row] = Load::u32(array + ArrayField::type);
        index_type[row] = Load::u32(array + ArrayField::index_type);
        nelems[row] = Load::u32(array + ArrayField::nelems);
        ++row;
    });
}

template <class Load, bool all>
void ints(const Index& index, RecordColumns& columns) {
    const RowsOfKind<Kind::Int> source(index);
    const auto id = columns.sink<uint32_t, all>("id");
    const auto size = columns.sink<uint32_t, all>("size");
    const auto encoding = columns.sink<uint8_t, all>("encoding");
    const auto bit_offset = columns.sink<uint8_t, all>("bit_offset");
    const auto nr_bits = columns.sink<uint8_t, all>("nr_bits");
    std::size_t row = 0;
    source.each([&](uint32_t from) {
        const std::byte* record = index.record(from);
        const uint32_t word = Load::u32(record + kHeadSize);
        id[row] = index.id(from);
        size[row] = Load::u32(record + HeadField::size_or_type);
        encoding[row] = int_encoding(word);
        bit_offset[row] = int_bit_offset(word);
        nr_bits[row] = int_bits(word);
        ++row;
    });
}

template <class Load, bool all>
void funcs(const Index& index, RecordColumns& columns) {
    const RowsOfKind<Kind::Func> source(index);
    const auto id = columns.sink<uint32_t, all>("id");
    const auto name_off = columns.sink<uint32_t, all>("name_off");
    const auto type = columns.sink<uint32_t, all>("type");
    const auto linkage = columns.sink<uint8_t, all>("linkage");
    const std::byte* section = index.record(0);
    std::size_t row = 0;
    for (RowsOfKind<Kind::Func>::Block block(source); block.next(); row += block.size()) {
        block.pad();
        const uint32_t* offsets = index.offsets() + block.first();
        const U32x4 first_ids = U32x4{} + index.id(block.first());
        std::size_t to = row;
        for (const std::uint16_t* from = block.begin(); from < block.end();
             from += kU32Lanes, to += kU32Lanes) {
            const auto [names, infos, types] = gather_triples<Load>(
                section, {offsets[from[0]], offsets[from[1]], offsets[from[2]], offsets[from[3]]});
            store_u32x4(id + to, U32x4{from[0], from[1], from[2], from[3]} + first_ids);
            store_u32x4(name_off + to, names);
            store_u32x4(type + to, types);
            // The linkage is stored as the record's vlen. Only 0 to 2 have a meaning, so saturating at 255
            // loses nothing.
            const auto vlens = reinterpret_cast<I32x4>(infos & info_vlen(UINT32_MAX));
            store_low_bytes(linkage + to, reinterpret_cast<U32x4>(vlens | (vlens > UINT8_MAX)));
        }
    }
}

// VAR and DECL_TAG: an ID, a name, a type, and the word after the head.
template <Kind kind, class Item, class Load, bool all>
void named_references(const Index& index, RecordColumns& columns, const char* word_name) {
    const RowsOfKind<kind> source(index);
    const auto id = columns.sink<uint32_t, all>("id");
    const auto name_off = columns.sink<uint32_t, all>("name_off");
    const auto type = columns.sink<uint32_t, all>("type");
    const auto word = columns.sink<Item, all>(word_name);
    std::size_t row = 0;
    source.each([&](uint32_t from) {
        const std::byte* record = index.record(from);
        id[row] = index.id(from);
        name_off[row] = Load::u32(record + HeadField::name_off);
        type[row] = Load::u32(record + HeadField::size_or_type);
        word[row] = static_cast<Item>(Load::u32(record + kHeadSize));
        ++row;
    });
}

template <class Load, bool all>
void vars(const Index& index, RecordColumns& columns) {
    named_references<Kind::Var, uint32_t, Load, all>(index, columns, "linkage");
}

template <class Load, bool all>
void decl_tags(const Index& index, RecordColumns& columns) {
    named_references<Kind::DeclTag, std::int32_t, Load, all>(index, columns, "component_idx");
}

template <class Load, bool all>
void secinfos(const Index& index, RecordColumns& columns) {
    const auto parent = columns.sink<uint32_t, all>("parent");
    const auto type = columns.sink<uint32_t, all>("type");
    const auto offset = columns.sink<uint32_t, all>("offset");
    const auto size = columns.sink<uint32_t, all>("size");
    write_children<Kind::Datasec>(index, parent, columns.indptr(), [=](uint32_t, const std::byte*) {
        return [=](uint32_t row, const std::byte* elements) {
            const auto [types, offsets, sizes] = load_triples<Load>(elements);
            store_u32x4(type + row, types);
            store_u32x4(offset + row, offsets);
            store_u32x4(size + row, sizes);
        };
    });
}

using Fill = void (*)(const Index&, RecordColumns&);
using Little = Load<ByteOrder::little>;
using Big = Load<ByteOrder::big>;

// Calls the function for a byte order and for all columns or some of them.
template <Fill little_all, Fill little, Fill big_all, Fill big>
void fill(const Index& index, RecordColumns& columns) {
    if (index.order() == ByteOrder::little) {
        columns.all_missing() ? little_all(index, columns) : little(index, columns);
    } else {
        columns.all_missing() ? big_all(index, columns) : big(index, columns);
    }
}

}  // namespace

std::size_t table_number(std::string_view name) {
    const auto* found = std::find_if(kTables.begin(), kTables.end(),
                                     [name](const TableKind& each) { return each.name == name; });
    return static_cast<std::size_t>(found - kTables.begin());
}

std::size_t column_number(const TableKind& kind, std::string_view name) {
    const std::size_t count = column_count(kind);
    const auto* const end = kind.columns.begin() + count;
    const auto* const found = std::find(kind.columns.begin(), end, name);
    return found == end ? TableKind::kMaxColumns : static_cast<std::size_t>(found - kind.columns.begin());
}

std::size_t column_count(const TableKind& kind) {
    const auto* const end = std::find(kind.columns.begin(), kind.columns.end(), nullptr);
    return static_cast<std::size_t>(end - kind.columns.begin());
}

const std::array<TableKind, 10> kTables = {{
    {"types",
     {"id", "kind", "kind_flag", "vlen", "name_off", "size_or_type", "offset"},
     prepare_types,
     fill<types<Little, true>, types<Little, false>, types<Big, true>, types<Big, false>>},
    {"members",
     {"indptr", "parent", "name_off", "type", "bit_offset", "bitfield_size"},
     prepare_children<Kind::Struct, Kind::Union>,
     fill<members<Little, true>, members<Little, false>, members<Big, true>, members<Big, false>>},
    {"params",
     {"indptr", "parent", "name_off", "type"},
     prepare_children<Kind::FuncProto>,
     fill<params<Little, true>, params<Little, false>, params<Big, true>, params<Big, false>>},
    {"enumerators",
     {"indptr", "parent", "name_off", "value", "signed"},
     prepare_children<Kind::Enum, Kind::Enum64>,
     fill<enumerators<Little, true>, enumerators<Little, false>, enumerators<Big, true>,
          enumerators<Big, false>>},
    {"arrays",
     {"id", "type", "index_type", "nelems"},
     prepare_rows<Kind::Array>,
     fill<arrays<Little, true>, arrays<Little, false>, arrays<Big, true>, arrays<Big, false>>},
    {"ints",
     {"id", "size", "encoding", "bit_offset", "nr_bits"},
     prepare_rows<Kind::Int>,
     fill<ints<Little, true>, ints<Little, false>, ints<Big, true>, ints<Big, false>>},
    {"funcs",
     {"id", "name_off", "type", "linkage"},
     prepare_rows<Kind::Func>,
     fill<funcs<Little, true>, funcs<Little, false>, funcs<Big, true>, funcs<Big, false>>},
    {"vars",
     {"id", "name_off", "type", "linkage"},
     prepare_rows<Kind::Var>,
     fill<vars<Little, true>, vars<Little, false>, vars<Big, true>, vars<Big, false>>},
    {"secinfos",
     {"indptr", "parent", "type", "offset", "size"},
     prepare_children<Kind::Datasec>,
     fill<secinfos<Little, true>, secinfos<Little, false>, secinfos<Big, true>, secinfos<Big, false>>},
    {"decl_tags",
     {"id", "name_off", "type", "component_idx"},
     prepare_rows<Kind::DeclTag>,
     fill<decl_tags<Little, true>, decl_tags<Little, false>, decl_tags<Big, true>, decl_tags<Big, false>>},
}};

}  // namespace btfmmap
