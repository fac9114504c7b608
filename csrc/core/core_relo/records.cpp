#include "core/core_relo/records.hpp"

#include <algorithm>
#include <string_view>

namespace btfmmap::core_relo {

namespace {

const std::uint32_t* column(const Table& table, std::string_view name) {
    const auto& columns = table.columns();
    const auto found = std::find_if(columns.begin(), columns.end(),
                                    [name](const Column& each) { return each.name == name; });
    return static_cast<const std::uint32_t*>(found->data);
}

}  // namespace

std::vector<Record> records_of(const Ext& ext, const Sections& sections) {
    const Table& table = ext.core_relo();
    const std::uint32_t* section = column(table, "section_off");
    const std::uint32_t* insn_off = column(table, "insn_off");
    const std::uint32_t* root = column(table, "type");
    const std::uint32_t* access_off = column(table, "access_off");
    const std::uint32_t* kind = column(table, "kind");
    std::vector<Record> records;
    const std::size_t rows = table.columns().front().rows;
    records.reserve(rows);
    for (std::size_t row = 0; row != rows; ++row) {
        const auto found = sections.find(section[row]);
        const Bytes code = found == sections.end() ? Bytes() : found->second;
        records.push_back(
            {code, insn_off[row], root[row], access_off[row], static_cast<ReloKind>(kind[row])});
    }
    return records;
}

}  // namespace btfmmap::core_relo
