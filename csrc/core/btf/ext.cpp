#include "core/btf/ext.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "core/base/error.hpp"

namespace btfmmap {

namespace {

using std::uint32_t;

// One of the parts of .BTF.ext.
struct Part {
    const char* name;
    std::size_t offset_field, size_field;
    uint32_t min_record_size;  // in bytes
};
constexpr Part kFuncInfo{"func_info", ExtHeaderField::func_info_offset, ExtHeaderField::func_info_size,
                         kFuncInfoSize};
constexpr Part kLineInfo{"line_info", ExtHeaderField::line_info_offset, ExtHeaderField::line_info_size,
                         kLineInfoSize};
constexpr Part kCoreRelo{"core_relo", ExtHeaderField::core_relo_offset, ExtHeaderField::core_relo_size,
                         kCoreReloSize};

// The records of one ELF section within a part.
struct Run {
    uint32_t section_name;
    uint32_t records;
    std::uint64_t offset;
};

}  // namespace

class Ext::Reader {
public:
    Reader(Bytes section, const Btf& btf, const std::string& name)
        : section_(section), btf_(btf), name_(name) {
        if (section.size < kMinExtHeaderSize) {
            throw malformed("is too short: " + std::to_string(section.size) + " bytes, its header has " +
                                std::to_string(kMinExtHeaderSize),
                            0);
        }
        const auto order = magic_byte_order(section);
        if (!order) {
            throw malformed("does not start with BTF's magic number", ExtHeaderField::magic);
        }
        order_ = *order;
        const auto version = static_cast<unsigned>(section.data[ExtHeaderField::version]);
        const auto flags = static_cast<unsigned>(section.data[ExtHeaderField::flags]);
        if (version != kVersion || flags != 0) {
            throw malformed("has version " + std::to_string(version) + " and flags " + std::to_string(flags) +
                                "; only version 1 without flags is known",
                            ExtHeaderField::version);
        }
        header_size_ = load(ExtHeaderField::header_size);
        if (header_size_ < kMinExtHeaderSize || header_size_ >= section.size) {
            throw malformed("has a header length of " + std::to_string(header_size_) + ", must be " +
                                std::to_string(kMinExtHeaderSize) + " and less than its " +
                                std::to_string(section.size) + " bytes",
                            ExtHeaderField::header_size);
        }
    }

    // Builds a table. `columns(table, rows)` adds the columns and returns a function that fills one row,
    // which is called with the row, the name offset of the record's section, and the record's offset.
    template <class Columns>
    Table read(const Part& part, Arena& arena, Columns columns) const {
        std::uint64_t record_size = 0;
        const std::vector<Run> runs = scan_runs(part, record_size);
        std::size_t rows = 0;
        for (const Run& run : runs) {
            rows += run.records;
        }
        Table table(arena);
        auto fill = columns(table, rows);
        std::size_t row = 0;
        for (const Run& run : runs) {
            for (std::size_t i = 0; i != run.records; ++i, ++row) {
                fill(row, run.section_name, run.offset + i * record_size);
            }
        }
        return table;
    }

    uint32_t load(std::uint64_t at) const {
        const std::byte* word = section_.slice(at, sizeof(uint32_t)).data;
        return with_byte_order(order_, [word](auto load) { return load.u32(word); });
    }

    uint32_t string(std::uint64_t at) const {
        const uint32_t offset = load(at);
        if (offset >= btf_.strings().end()) {
            throw malformed("has the string offset " + std::to_string(offset) + ", past the " +
                                std::to_string(btf_.strings().end()) + " bytes of strings",
                            at);
        }
        return offset;
    }

    uint32_t type(std::uint64_t at) const {
        const uint32_t id = load(at);
        if (id >= btf_.index().end_id()) {
            throw malformed("refers to type [" + std::to_string(id) + "], the last one is [" +
                                std::to_string(btf_.index().end_id() - 1) + "]",
                            at);
        }
        return id;
    }

private:
    std::vector<Run> scan_runs(const Part& part, std::uint64_t& record_size) const {
        std::vector<Run> runs;
        // Older headers lack the core_relo fields.
        if (header_size_ < part.size_field + sizeof(uint32_t) || load(part.size_field) == 0) {
            return runs;
        }
        const std::string what = std::string("has a ") + part.name + " part ";
        std::uint64_t at = header_size_ + load(part.offset_field);
        const std::uint64_t size = load(part.size_field);
        if (at % 4 != header_size_ % 4) {
            throw malformed(what + "that is not aligned to 4 bytes", part.offset_field);
        }
        if (at > section_.size || size > section_.size - at) {
            throw malformed(what + "that ends past its " + std::to_string(section_.size) + " bytes",
                            part.offset_field);
        }
        const std::uint64_t end = at + size;
        if (size <= sizeof(uint32_t)) {
            throw malformed(what + "without records", part.size_field);
        }
        record_size = load(at);
        if (record_size < part.min_record_size || record_size % 4 != 0) {
            throw malformed(what + "of records of " + std::to_string(record_size) +
                                " bytes, must be at least " + std::to_string(part.min_record_size) +
                                " and a multiple of 4",
                            at);
        }
        at += sizeof(uint32_t);
        while (at != end) {
            if (end - at < kExtSectionSize) {
                throw malformed(what + "that is cut short", at);
            }
            const uint32_t name = string(at + ExtSectionField::name_off);
            const uint32_t records = load(at + ExtSectionField::records);
            const std::uint64_t left = end - at - kExtSectionSize;
            if (records == 0 || records > left / record_size) {
                throw malformed(what + "with " + std::to_string(records) + " records of " +
                                    std::to_string(record_size) + " bytes where " + std::to_string(left) +
                                    " bytes are left",
                                at + ExtSectionField::records);
            }
            at += kExtSectionSize;
            runs.push_back({name, records, at});
            at += records * record_size;
        }
        return runs;
    }

    Error malformed(const std::string& what, std::uint64_t at) const {
        return Error::format(name_ + ": " + what, at);
    }

    Bytes section_;
    const Btf& btf_;
    const std::string& name_;
    ByteOrder order_ = kHostOrder;
    std::uint64_t header_size_ = 0;
};

Table Ext::read_func_info(const Reader& reader, Arena& arena) {
    return reader.read(kFuncInfo, arena, [&](Table& table, std::size_t rows) {
        auto* section = table.add<uint32_t>("section_off", rows);
        auto* insn_off = table.add<uint32_t>("insn_off", rows);
        auto* type = table.add<uint32_t>("type", rows);
        return [=, &reader](std::size_t row, uint32_t name, std::uint64_t at) {
            section[row] = name;
            insn_off[row] = reader.load(at + FuncInfoField::insn_off);
            type[row] = reader.type(at + FuncInfoField::type);
        };
    });
}

Table Ext::read_line_info(const Reader& reader, Arena& arena) {
    return reader.read(kLineInfo, arena, [&](Table& table, std::size_t rows) {
        auto* section = table.add<uint32_t>("section_off", rows);
        auto* insn_off = table.add<uint32_t>("insn_off", rows);
        auto* file_name = table.add<uint32_t>("file_name_off", rows);
        auto* text = table.add<uint32_t>("line_off", rows);
        auto* line = table.add<uint32_t>("line", rows);
        auto* column = table.add<uint32_t>("column", rows);
        return [=, &reader](std::size_t row, uint32_t name, std::uint64_t at) {
            const uint32_t position = reader.load(at + LineInfoField::line_column);
            section[row] = name;
            insn_off[row] = reader.load(at + LineInfoField::insn_off);
            file_name[row] = reader.string(at + LineInfoField::file_name_off);
            text[row] = reader.string(at + LineInfoField::line_off);
            line[row] = line_number(position);
            column[row] = line_column(position);
        };
    });
}

Table Ext::read_core_relo(const Reader& reader, Arena& arena) {
    return reader.read(kCoreRelo, arena, [&](Table& table, std::size_t rows) {
        auto* section = table.add<uint32_t>("section_off", rows);
        auto* insn_off = table.add<uint32_t>("insn_off", rows);
        auto* type = table.add<uint32_t>("type", rows);
        auto* access = table.add<uint32_t>("access_off", rows);
        auto* kind = table.add<uint32_t>("kind", rows);
        return [=, &reader](std::size_t row, uint32_t name, std::uint64_t at) {
            section[row] = name;
            insn_off[row] = reader.load(at + CoreReloField::insn_off);
            type[row] = reader.type(at + CoreReloField::type);
            access[row] = reader.string(at + CoreReloField::access_off);
            kind[row] = reader.load(at + CoreReloField::kind);
        };
    });
}

Ext::Ext(const Mapping& section, const Btf& btf, const std::string& name)
    : Ext(Reader(section.bytes(), btf, name), section.bytes().size) {}

Ext::Ext(const Reader& reader, std::size_t size)
    : arena_(2 * std::uint64_t{size}),
      func_info_(read_func_info(reader, arena_)),
      line_info_(read_line_info(reader, arena_)),
      core_relo_(read_core_relo(reader, arena_)) {}

}  // namespace btfmmap
