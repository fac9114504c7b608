#include "core/tables.hpp"

#include <algorithm>
#include <bitset>

namespace btfmmap {

namespace {

using std::uint32_t;
using std::uint8_t;

// Which records of the index a table is about.
class Selection {
public:
    Selection(const Index& index, std::initializer_list<Kind> kinds) : index_(index) {
        for (const Kind kind : kinds) {
            wanted_.set(static_cast<std::size_t>(kind));
        }
    }

    // Calls `visit(type_id, record)` for each.
    template <class Visit>
    void each(Visit visit) const {
        for (std::size_t row = 0; row != index_.rows(); ++row) {
            if (wanted_[index_.kinds()[row]]) {
                visit(static_cast<uint32_t>(row), index_.record(row));
            }
        }
    }

    std::size_t records() const {
        std::size_t count = 0;
        each([&](uint32_t, const std::byte*) { ++count; });
        return count;
    }

    std::size_t elements() const {
        std::size_t count = 0;
        each([&](uint32_t row, const std::byte*) { count += index_.elements(row, shape(row)); });
        return count;
    }

    // Fills `parent` and `indptr` and calls `visit(row, element, record)` for each element.
    template <class Visit>
    void each_element(uint32_t* parent, uint32_t* indptr, Visit visit) const {
        uint32_t child = 0;
        uint32_t next_type = 0;
        each([&](uint32_t row, const std::byte* record) {
            std::fill(indptr + next_type, indptr + row + 1, child);
            next_type = row + 1;
            const std::byte* element = record + kHeadSize + shape(row).fixed;
            for (uint32_t left = index_.elements(row, shape(row)); left != 0; --left) {
                parent[child] = row;
                visit(child, element, record);
                element += shape(row).element;
                ++child;
            }
        });
        std::fill(indptr + next_type, indptr + index_.rows() + 1, child);
    }

private:
    const Shape& shape(std::size_t row) const { return shape_of(index_.kind(row)); }

    const Index& index_;
    std::bitset<kMaxKinds> wanted_;
};

template <class Load>
bool kind_flag(const std::byte* record) {
    return info_kind_flag(Load::u32(record + HeadField::info));
}

template <class Load>
Table types(const Index& index) {
    const std::size_t rows = index.rows();
    Table table;
    auto* id = table.add<uint32_t>("id", rows);
    table.refer("kind", index.kinds(), rows);
    auto* flag = table.add<bool>("kind_flag", rows);
    auto* vlen = table.add<uint32_t>("vlen", rows);
    auto* name_off = table.add<uint32_t>("name_off", rows);
    auto* size_or_type = table.add<uint32_t>("size_or_type", rows);
    table.refer("offset", index.offsets(), rows);

    id[0] = vlen[0] = name_off[0] = size_or_type[0] = 0;
    flag[0] = false;
    for (std::size_t row = 1; row != rows; ++row) {
        const std::byte* record = index.record(row);
        const uint32_t info = Load::u32(record + HeadField::info);
        id[row] = static_cast<uint32_t>(row);
        flag[row] = info_kind_flag(info);
        vlen[row] = info_vlen(info);
        name_off[row] = Load::u32(record + HeadField::name_off);
        size_or_type[row] = Load::u32(record + HeadField::size_or_type);
    }
    return table;
}

template <class Load>
Table members(const Index& index) {
    const Selection composites(index, {Kind::Struct, Kind::Union});
    const std::size_t rows = composites.elements();
    Table table;
    auto* parent = table.add<uint32_t>("parent", rows);
    auto* name_off = table.add<uint32_t>("name_off", rows);
    auto* type = table.add<uint32_t>("type", rows);
    auto* bit_offset = table.add<uint32_t>("bit_offset", rows);
    auto* bitfield_size = table.add<uint8_t>("bitfield_size", rows);
    auto* indptr = table.add<uint32_t>("indptr", index.rows() + 1);
    composites.each_element(parent, indptr,
                            [=](uint32_t row, const std::byte* member, const std::byte* record) {
                                const bool flag = kind_flag<Load>(record);
                                const uint32_t offset = Load::u32(member + MemberField::offset);
                                name_off[row] = Load::u32(member + MemberField::name_off);
                                type[row] = Load::u32(member + MemberField::type);
                                bit_offset[row] = member_bit_offset(offset, flag);
                                bitfield_size[row] = member_bitfield_size(offset, flag);
                            });
    return table;
}

template <class Load>
Table params(const Index& index) {
    const Selection prototypes(index, {Kind::FuncProto});
    const std::size_t rows = prototypes.elements();
    Table table;
    auto* parent = table.add<uint32_t>("parent", rows);
    auto* name_off = table.add<uint32_t>("name_off", rows);
    auto* type = table.add<uint32_t>("type", rows);
    auto* indptr = table.add<uint32_t>("indptr", index.rows() + 1);
    prototypes.each_element(parent, indptr, [=](uint32_t row, const std::byte* param, const std::byte*) {
        name_off[row] = Load::u32(param + ParamField::name_off);
        type[row] = Load::u32(param + ParamField::type);
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
Table enumerators(const Index& index) {
    const Selection enums(index, {Kind::Enum, Kind::Enum64});
    const std::size_t rows = enums.elements();
    Table table;
    auto* parent = table.add<uint32_t>("parent", rows);
    auto* name_off = table.add<uint32_t>("name_off", rows);
    auto* value = table.add<std::int64_t>("value", rows);
    auto* is_signed = table.add<bool>("signed", rows);
    auto* indptr = table.add<uint32_t>("indptr", index.rows() + 1);
    enums.each_element(
        parent, indptr, [=, &index](uint32_t row, const std::byte* element, const std::byte* record) {
            name_off[row] = Load::u32(element + EnumField::name_off);
            is_signed[row] = kind_flag<Load>(record);
            value[row] = enum_value<Load>(element, index.kind(parent[row]) == Kind::Enum64, is_signed[row]);
        });
    return table;
}

template <class Load>
Table arrays(const Index& index) {
    const Selection selection(index, {Kind::Array});
    const std::size_t rows = selection.records();
    Table table;
    auto* id = table.add<uint32_t>("id", rows);
    auto* type = table.add<uint32_t>("type", rows);
    auto* index_type = table.add<uint32_t>("index_type", rows);
    auto* nelems = table.add<uint32_t>("nelems", rows);
    std::size_t row = 0;
    selection.each([&](uint32_t type_id, const std::byte* record) {
        const std::byte* array = record + kHeadSize;
        id[row] = type_id;
        type[row] = Load::u32(array + ArrayField::type);
        index_type[row] = Load::u32(array + ArrayField::index_type);
        nelems[row] = Load::u32(array + ArrayField::nelems);
        ++row;
    });
    return table;
}

template <class Load>
Table ints(const Index& index) {
    const Selection selection(index, {Kind::Int});
    const std::size_t rows = selection.records();
    Table table;
    auto* id = table.add<uint32_t>("id", rows);
    auto* size = table.add<uint32_t>("size", rows);
    auto* encoding = table.add<uint8_t>("encoding", rows);
    auto* bit_offset = table.add<uint8_t>("bit_offset", rows);
    auto* nr_bits = table.add<uint8_t>("nr_bits", rows);
    std::size_t row = 0;
    selection.each([&](uint32_t type_id, const std::byte* record) {
        const uint32_t word = Load::u32(record + kHeadSize);
        id[row] = type_id;
        size[row] = Load::u32(record + HeadField::size_or_type);
        encoding[row] = int_encoding(word);
        bit_offset[row] = int_bit_offset(word);
        nr_bits[row] = int_bits(word);
        ++row;
    });
    return table;
}

// FUNC, VAR and DECL_TAG: an id, a name, a type, and one column more, of what `last` finds in a record.
template <class Load, class Item, class Last>
Table named_references(const Index& index, Kind kind, const char* last_name, Last last) {
    const Selection selection(index, {kind});
    const std::size_t rows = selection.records();
    Table table;
    auto* id = table.add<uint32_t>("id", rows);
    auto* name_off = table.add<uint32_t>("name_off", rows);
    auto* type = table.add<uint32_t>("type", rows);
    auto* last_column = table.add<Item>(last_name, rows);
    std::size_t row = 0;
    selection.each([&](uint32_t type_id, const std::byte* record) {
        id[row] = type_id;
        name_off[row] = Load::u32(record + HeadField::name_off);
        type[row] = Load::u32(record + HeadField::size_or_type);
        last_column[row] = last(record);
        ++row;
    });
    return table;
}

template <class Load>
Table funcs(const Index& index) {
    return named_references<Load, uint8_t>(index, Kind::Func, "linkage", [](const std::byte* record) {
        // The linkage is the record's vlen: 0 to 2 where it means something, so nothing is lost at 255.
        const uint32_t vlen = info_vlen(Load::u32(record + HeadField::info));
        return static_cast<uint8_t>(std::min<uint32_t>(vlen, UINT8_MAX));
    });
}

template <class Load>
Table vars(const Index& index) {
    return named_references<Load, uint32_t>(
        index, Kind::Var, "linkage", [](const std::byte* record) { return Load::u32(record + kHeadSize); });
}

template <class Load>
Table decl_tags(const Index& index) {
    return named_references<Load, std::int32_t>(
        index, Kind::DeclTag, "component_idx",
        [](const std::byte* record) { return static_cast<std::int32_t>(Load::u32(record + kHeadSize)); });
}

template <class Load>
Table secinfos(const Index& index) {
    const Selection sections(index, {Kind::Datasec});
    const std::size_t rows = sections.elements();
    Table table;
    auto* parent = table.add<uint32_t>("parent", rows);
    auto* type = table.add<uint32_t>("type", rows);
    auto* offset = table.add<uint32_t>("offset", rows);
    auto* size = table.add<uint32_t>("size", rows);
    auto* indptr = table.add<uint32_t>("indptr", index.rows() + 1);
    sections.each_element(parent, indptr, [=](uint32_t row, const std::byte* info, const std::byte*) {
        type[row] = Load::u32(info + SecinfoField::type);
        offset[row] = Load::u32(info + SecinfoField::offset);
        size[row] = Load::u32(info + SecinfoField::size);
    });
    return table;
}

using Little = Load<ByteOrder::little>;
using Big = Load<ByteOrder::big>;

template <Table (*little)(const Index&), Table (*big)(const Index&)>
Table in_order(const Index& index) {
    return index.order() == ByteOrder::little ? little(index) : big(index);
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
