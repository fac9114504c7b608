#pragma once

#include <cstddef>
#include <string>

#include "core/base/arena.hpp"
#include "core/btf/btf.hpp"
#include "core/input/mapping.hpp"
#include "core/tables/tables.hpp"

namespace btfmmap {

// The .BTF.ext section of a BPF object: what its instructions have to do with the types and strings of its
// BTF. Copied into tables whole, so that nothing refers to the section's bytes.
class Ext {
public:
    // Refuses what libbpf's btf_ext_parse refuses, and a type id or string offset that the BTF does not have.
    // `name` is what messages call the input. Throws Error (format).
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
