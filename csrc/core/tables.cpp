#include "core/tables.hpp"

#include <algorithm>

#include "core/selection.hpp"

namespace btfmmap {

namespace {

using std::uint32_t;
using std::uint8_t;

// Fills [begin, end) and up to kSlack - 1 items more: gaps between records are short and of all lengths, so
// writing whole blocks beats a loop whose end is mispredicted.
inline void fill_blocks(uint32_t* begin, const uint32_t* end, uint32_t value) {
    do {
        std::fill_n(begin, Table::kSlack, value);
        begin += Table::kSlack;
    } while (begin < end);
}

// Of a record of one of those kinds; known to the compiler where they are alike.
template <Kind first, Kind... others>
std::size_t element_size(const Index& index, uint32_t row) {
    constexpr std::size_t size = shape_of(first).element;
    if constexpr (((shape_of(others).element == size) && ...)) {
        return size;
    } else {
        return shape_of(index.kind(row)).element;
    }
}

// Fills `parent` and `indptr`. Calls `visit(record)` for each record of those kinds, and what that returns
// with (row, element) for each of its elements.
//
// Four elements are visited at once, and what is too much is overwritten by the next record's: most have no
// more, and none is asked how many it has before it is written.
template <Kind... kinds, class Visit>
void each_child(const Index& index, uint32_t* parent, uint32_t* indptr, Visit visit) {
    constexpr uint32_t at_once = 4;
    constexpr std::size_t margin = at_once * std::max({shape_of(kinds).element...});
    const std::byte* section_end = index.record(index.rows());
    const uint32_t first_id = index.first_id();
    uint32_t child = 0;
    uint32_t next_type = 0;
    Selection<kinds...>(index).each_record([&, parent, indptr, section_end, first_id](Record record) {
        fill_blocks(indptr + next_type, indptr + record.row + 1, child);
        next_type = record.row + 1;
        const auto visit_element = visit(record);
        const std::size_t stride = element_size<kinds...>(index, record.row);
        const uint32_t type_id = first_id + record.row;
        const auto write = [&](uint32_t row, const std::byte* element) {
            parent[row] = type_id;
            visit_element(row, element);
        };
        const std::byte* at = record.head + kHeadSize;
        if (static_cast<std::size_t>(section_end - record.end) < margin) {
            for (; at != record.end; at += stride) {
                write(child++, at);
            }
            return;
        }
        auto left = static_cast<uint32_t>(record.end - at) / static_cast<uint32_t>(stride);
        for (;;) {
            for (uint32_t i = 0; i != at_once; ++i) {
                write(child + i, at + i * stride);
            }
            if (left <= at_once) {
                child += left;
                return;
            }
            left -= at_once;
            child += at_once;
            at += at_once * stride;
        }
    });
    fill_blocks(indptr + next_type, indptr + index.rows() + 1, child);
}

template <class Load>
bool kind_flag(Record record) {
    return info_kind_flag(Load::u32(record.head + HeadField::info));
}

template <class Load>
Table types(const Index& index, Arena& arena) {
    const std::size_t rows = index.rows();
    Table table(arena);
    auto* id = table.add<uint32_t>("id", rows);
    table.refer("kind", index.kinds(), rows);
    auto* flag = table.add<bool>("kind_flag", rows);
    auto* vlen = table.add<uint32_t>("vlen", rows);
    auto* name_off = table.add<uint32_t>("name_off", rows);
    auto* size_or_type = table.add<uint32_t>("size_or_type", rows);
    table.refer("offset", index.offsets(), rows);

    // Void's; the first record of a split BTF overwrites them.
    id[0] = vlen[0] = name_off[0] = size_or_type[0] = 0;
    flag[0] = false;
    // What bytes that are stored may alias is loaded once.
    const std::byte* section = index.record(0);
    const uint32_t* offsets = index.offsets();
    const uint32_t first_id = index.first_id();
    for (std::size_t row = index.first_record(); row != rows; ++row) {
        const std::byte* record = section + offsets[row];
        const uint32_t info = Load::u32(record + HeadField::info);
        id[row] = first_id + static_cast<uint32_t>(row);
        flag[row] = info_kind_flag(info);
        vlen[row] = info_vlen(info);
        name_off[row] = Load::u32(record + HeadField::name_off);
        size_or_type[row] = Load::u32(record + HeadField::size_or_type);
    }
    return table;
}

template <class Load>
Table members(const Index& index, Arena& arena) {
    const std::size_t rows = Selection<Kind::Struct, Kind::Union>(index).elements();
    Table table(arena);
    auto* parent = table.add<uint32_t>("parent", rows);
    auto* name_off = table.add<uint32_t>("name_off", rows);
    auto* type = table.add<uint32_t>("type", rows);
    auto* bit_offset = table.add<uint32_t>("bit_offset", rows);
    auto* bitfield_size = table.add<uint8_t>("bitfield_size", rows);
    auto* indptr = table.add<uint32_t>("indptr", index.rows() + 1);
    each_child<Kind::Struct, Kind::Union>(index, parent, indptr, [=](Record record) {
        const bool flag = kind_flag<Load>(record);
        return [=](uint32_t row, const std::byte* member) {
            const uint32_t offset = Load::u32(member + MemberField::offset);
            name_off[row] = Load::u32(member + MemberField::name_off);
            type[row] = Load::u32(member + MemberField::type);
            bit_offset[row] = member_bit_offset(offset, flag);
            bitfield_size[row] = member_bitfield_size(offset, flag);
        };
    });
    return table;
}

template <class Load>
Table params(const Index& index, Arena& arena) {
    const std::size_t rows = Selection<Kind::FuncProto>(index).elements();
    Table table(arena);
    auto* parent = table.add<uint32_t>("parent", rows);
    auto* name_off = table.add<uint32_t>("name_off", rows);
    auto* type = table.add<uint32_t>("type", rows);
    auto* indptr = table.add<uint32_t>("indptr", index.rows() + 1);
    each_child<Kind::FuncProto>(index, parent, indptr, [=](Record) {
        return [=](uint32_t row, const std::byte* param) {
            name_off[row] = Load::u32(param + ParamField::name_off);
            type[row] = Load::u32(param + ParamField::type);
        };
    });
    return table;
}

template <class Load>
std::int64_t enum_value(const std::byte* element, bool wide, bool is_signed) {
    const uint32_t low = Load::u32(element + EnumField::value);
    if (wide) {
        const uint32_t high = Load::u32(element + EnumField::value_high);
        return static_cast<std::int64_t>(std::uint64_t{high} << 32 | low);
    }
    return is_signed ? std::int64_t{static_cast<std::int32_t>(low)} : std::int64_t{low};
}

template <class Load>
Table enumerators(const Index& index, Arena& arena) {
    const std::size_t rows = Selection<Kind::Enum, Kind::Enum64>(index).elements();
    Table table(arena);
    auto* parent = table.add<uint32_t>("parent", rows);
    auto* name_off = table.add<uint32_t>("name_off", rows);
    auto* value = table.add<std::int64_t>("value", rows);
    auto* is_signed = table.add<bool>("signed", rows);
    auto* indptr = table.add<uint32_t>("indptr", index.rows() + 1);
    each_child<Kind::Enum, Kind::Enum64>(index, parent, indptr, [=, &index](Record record) {
        const bool flag = kind_flag<Load>(record);
        const bool wide = index.kind(record.row) == Kind::Enum64;
        return [=](uint32_t row, const std::byte* element) {
            name_off[row] = Load::u32(element + EnumField::name_off);
            value[row] = enum_value<Load>(element, wide, flag);
            is_signed[row] = flag;
        };
    });
    return table;
}

template <class Load>
Table arrays(const Index& index, Arena& arena) {
    const Selection<Kind::Array> selection(index);
    const std::size_t rows = selection.records();
    Table table(arena);
    auto* id = table.add<uint32_t>("id", rows);
    auto* type = table.add<uint32_t>("type", rows);
    auto* index_type = table.add<uint32_t>("index_type", rows);
    auto* nelems = table.add<uint32_t>("nelems", rows);
    std::size_t row = 0;
    selection.each([&](uint32_t from) {
        const std::byte* array = index.record(from) + kHeadSize;
        id[row] = index.id(from);
        type[row] = Load::u32(array + ArrayField::type);
        index_type[row] = Load::u32(array + ArrayField::index_type);
        nelems[row] = Load::u32(array + ArrayField::nelems);
        ++row;
    });
    return table;
}

template <class Load>
Table ints(const Index& index, Arena& arena) {
    const Selection<Kind::Int> selection(index);
    const std::size_t rows = selection.records();
    Table table(arena);
    auto* id = table.add<uint32_t>("id", rows);
    auto* size = table.add<uint32_t>("size", rows);
    auto* encoding = table.add<uint8_t>("encoding", rows);
    auto* bit_offset = table.add<uint8_t>("bit_offset", rows);
    auto* nr_bits = table.add<uint8_t>("nr_bits", rows);
    std::size_t row = 0;
    selection.each([&](uint32_t from) {
        const std::byte* record = index.record(from);
        const uint32_t word = Load::u32(record + kHeadSize);
        id[row] = index.id(from);
        size[row] = Load::u32(record + HeadField::size_or_type);
        encoding[row] = int_encoding(word);
        bit_offset[row] = int_bit_offset(word);
        nr_bits[row] = int_bits(word);
        ++row;
    });
    return table;
}

// FUNC, VAR and DECL_TAG: an id, a name, a type, and one column more, of what `last` finds in a record.
template <Kind kind, class Load, class Item, class Last>
Table named_references(const Index& index, Arena& arena, const char* last_name, Last last) {
    const Selection<kind> selection(index);
    const std::size_t rows = selection.records();
    Table table(arena);
    auto* id = table.add<uint32_t>("id", rows);
    auto* name_off = table.add<uint32_t>("name_off", rows);
    auto* type = table.add<uint32_t>("type", rows);
    auto* last_column = table.add<Item>(last_name, rows);
    std::size_t row = 0;
    selection.each([&](uint32_t from) {
        const std::byte* record = index.record(from);
        id[row] = index.id(from);
        name_off[row] = Load::u32(record + HeadField::name_off);
        type[row] = Load::u32(record + HeadField::size_or_type);
        last_column[row] = last(record);
        ++row;
    });
    return table;
}

template <class Load>
Table funcs(const Index& index, Arena& arena) {
    return named_references<Kind::Func, Load, uint8_t>(index, arena, "linkage", [](const std::byte* record) {
        // The linkage is the record's vlen: 0 to 2 where it means something, so nothing is lost at 255.
        const uint32_t vlen = info_vlen(Load::u32(record + HeadField::info));
        return static_cast<uint8_t>(std::min<uint32_t>(vlen, UINT8_MAX));
    });
}

template <class Load>
Table vars(const Index& index, Arena& arena) {
    return named_references<Kind::Var, Load, uint32_t>(
        index, arena, "linkage", [](const std::byte* record) { return Load::u32(record + kHeadSize); });
}

template <class Load>
Table decl_tags(const Index& index, Arena& arena) {
    return named_references<Kind::DeclTag, Load, std::int32_t>(
        index, arena, "component_idx",
        [](const std::byte* record) { return static_cast<std::int32_t>(Load::u32(record + kHeadSize)); });
}

template <class Load>
Table secinfos(const Index& index, Arena& arena) {
    const std::size_t rows = Selection<Kind::Datasec>(index).elements();
    Table table(arena);
    auto* parent = table.add<uint32_t>("parent", rows);
    auto* type = table.add<uint32_t>("type", rows);
    auto* offset = table.add<uint32_t>("offset", rows);
    auto* size = table.add<uint32_t>("size", rows);
    auto* indptr = table.add<uint32_t>("indptr", index.rows() + 1);
    each_child<Kind::Datasec>(index, parent, indptr, [=](Record) {
        return [=](uint32_t row, const std::byte* info) {
            type[row] = Load::u32(info + SecinfoField::type);
            offset[row] = Load::u32(info + SecinfoField::offset);
            size[row] = Load::u32(info + SecinfoField::size);
        };
    });
    return table;
}

using Builder = Table (*)(const Index&, Arena&);
using Little = Load<ByteOrder::little>;
using Big = Load<ByteOrder::big>;

template <Builder little, Builder big>
Table in_order(const Index& index, Arena& arena) {
    return index.order() == ByteOrder::little ? little(index, arena) : big(index, arena);
}

}  // namespace

const std::array<TableKind, 10> kTables = {{
    {"types", in_order<types<Little>, types<Big>>},
    {"members", in_order<members<Little>, members<Big>>},
    {"params", in_order<params<Little>, params<Big>>},
    {"enumerators", in_order<enumerators<Little>, enumerators<Big>>},
    {"arrays", in_order<arrays<Little>, arrays<Big>>},
    {"ints", in_order<ints<Little>, ints<Big>>},
    {"funcs", in_order<funcs<Little>, funcs<Big>>},
    {"vars", in_order<vars<Little>, vars<Big>>},
    {"secinfos", in_order<secinfos<Little>, secinfos<Big>>},
    {"decl_tags", in_order<decl_tags<Little>, decl_tags<Big>>},
}};

}  // namespace btfmmap
