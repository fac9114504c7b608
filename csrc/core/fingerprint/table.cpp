#include "core/fingerprint/table.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/endian.hpp"
#include "core/fingerprint/hash.hpp"
#include "core/fingerprint/layouts.hpp"
#include "core/fingerprint/records.hpp"

namespace btfmmap::fingerprint {

namespace {

using std::uint32_t;
using std::uint64_t;
using std::uint8_t;

using Entities =
    RowsOfKind<Kind::Struct, Kind::Union, Kind::Enum, Kind::Enum64, Kind::Func, Kind::Typedef, Kind::Var>;

Hash function_declaration(const Contents& contents, uint32_t prototype) {
    return contents.index.kind_of(prototype) == Kind::FuncProto
               ? contents.of(prototype, &Contents::definitions).declaration
               : kAbsent;
}

template <class Load>
class Rows {
public:
    explicit Rows(const Contents& contents)
        : contents_(contents),
          index_(contents.index),
          records_(contents.index, contents.btf.strings()),
          layouts_(contents) {}

    Depths depths(uint32_t row) const {
        switch (index_.kind(row)) {
            case Kind::Func:
                return hash_function(contents_, records_.target(row));
            case Kind::Var:
                return of_variable(records_.target(row));
            default:
                return of_type(row);
        }
    }

    // Needs no `embedded`, nor the declarations of typedefs.
    Hash declaration(uint32_t row) const {
        switch (index_.kind(row)) {
            case Kind::Func:
                return function_declaration(contents_, records_.target(row));
            case Kind::Var:
            case Kind::Typedef:
                return alias_declaration(contents_, layouts_, records_.target(row));
            default:
                return contents_.definitions[row].declaration;
        }
    }

private:
    Depths of_type(uint32_t row) const {
        return {layouts_.value(index_.id(row)), contents_.definitions[row].declaration,
                contents_.embedded[row]};
    }

    Depths of_variable(uint32_t type_id) const {
        const Hash declaration = alias_declaration(contents_, layouts_, type_id);
        return {layouts_.value(type_id), declaration,
                deep(declaration, contents_.of(type_id, &Contents::embedded))};
    }

    const Contents& contents_;
    const Index& index_;
    const Records<Load> records_;
    const Layouts layouts_;
};

// The columns of both halves of the hashes of one depth.
class DepthColumns {
public:
    DepthColumns(Table& table, const char* high, const char* low, std::size_t rows)
        : high_(table.add<uint64_t>(high, rows)), low_(table.add<uint64_t>(low, rows)) {}

    void set(std::size_t row, const Hash& hash) const {
        high_[row] = hash.high;
        low_[row] = hash.low;
    }

private:
    uint64_t* high_;
    uint64_t* low_;
};

}  // namespace

Depths hash_function(const Contents& contents, uint32_t prototype) {
    if (contents.index.kind_of(prototype) != Kind::FuncProto) {
        return {kAbsent, kAbsent, kAbsent};
    }
    const Definition& definition = contents.of(prototype, &Contents::definitions);
    return {definition.layout, definition.declaration, contents.of(prototype, &Contents::embedded)};
}

Depths hash_type(const Contents& contents, uint32_t row) {
    return with_byte_order(contents.index.order(),
                           [&](auto load) { return Rows<decltype(load)>(contents).depths(row); });
}

std::vector<uint64_t> declarations_low(const Contents& contents) {
    std::vector<uint32_t> rows;
    Entities(contents.index).each([&rows](uint32_t row) { rows.push_back(row); });
    return declarations_low(contents, rows);
}

std::vector<uint64_t> declarations_low(const Contents& contents, const std::vector<uint32_t>& rows) {
    const Index& index = contents.index;
    std::vector<uint64_t> low(index.rows());
    with_byte_order(index.order(), [&](auto load) {
        const Rows<decltype(load)> source(contents);
        for (const uint32_t row : rows) {
            if (Entities::contains(index.kind(row))) {
                low[row] = source.declaration(row).low;
            }
        }
    });
    return low;
}

void add_columns(const Contents& contents, Table& table) {
    const Index& index = contents.index;
    const Entities entities(index);
    const std::size_t rows = entities.records();
    auto* id = table.add<uint32_t>("id", rows);
    auto* kind = table.add<uint8_t>("kind", rows);
    const DepthColumns layout(table, "layout_high", "layout_low", rows);
    const DepthColumns declaration(table, "declaration_high", "declaration_low", rows);
    const DepthColumns deep(table, "deep_high", "deep_low", rows);
    with_byte_order(index.order(), [&](auto load) {
        const Rows<decltype(load)> source(contents);
        std::size_t to = 0;
        entities.each([&, kinds = index.kinds(), first_id = index.first_id()](uint32_t row) {
            const Depths depths = source.depths(row);
            id[to] = first_id + row;
            kind[to] = kinds[row];
            layout.set(to, depths.layout);
            declaration.set(to, depths.declaration);
            deep.set(to, depths.deep);
            ++to;
        });
    });
}

}  // namespace btfmmap::fingerprint
