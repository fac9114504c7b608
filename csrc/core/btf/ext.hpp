#pragma once

#include <cstddef>
#include <string>

#include "core/base/arena.hpp"
#include "core/btf/btf.hpp"
#include "core/input/mapping.hpp"
#include "core/tables/table.hpp"

namespace btfmmap {

// The .BTF.ext section of a BPF object, which relates its instructions to the types and strings of its BTF.
// All records are copied into tables, so nothing refers to the section's bytes afterwards.
class Ext {
public:
    // Rejects what libbpf's btf_ext_parse rejects, and also a type ID or string offset that does not exist in
    // the BTF. `name` is the name of the input in messages. Throws Error (format).
    Ext(const Mapping& section, const Btf& btf, const std::string& name);

    const Table& func_info() const { return func_info_; }
    const Table& line_info() const { return line_info_; }
    const Table& core_relo() const { return core_relo_; }

private:
    class Reader;

    Ext(const Reader& reader, std::size_t size);

    static Table read_func_info(const Reader& reader, Arena& arena);
    static Table read_line_info(const Reader& reader, Arena& arena);
    static Table read_core_relo(const Reader& reader, Arena& arena);

    Arena arena_;
    Table func_info_;
    Table line_info_;
    Table core_relo_;
};

}  // namespace btfmmap
