#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/input/elf.hpp"
#include "core/input/elf_symbols.hpp"

namespace btfmmap::loading {

// The sections and symbols of a BPF object that its BTF is mended from, by name.
class ObjectSymbols {
public:
    // `file` must outlive this object.
    explicit ObjectSymbols(const File& file);

    // Whether there is a symbol table. Without one, libbpf takes nothing from symbols.
    bool exist() const { return symbols_.has_value(); }

    // The size of the first section of that name, whether its bytes are in the file or not.
    std::optional<std::uint64_t> section_size(std::string_view name) const;

    // The first global or weak symbol of a variable.
    const ElfSymbol* variable(std::string_view name) const;

    // Symbols that the object does not define, in the order of the table.
    const std::vector<std::string_view>& externals() const { return externals_; }
    bool is_external(std::string_view name) const { return external_names_.count(name) != 0; }

private:
    void add(const ElfSymbol& symbol);

    Elf elf_;
    std::optional<ElfSymbols> symbols_;
    std::unordered_map<std::string, std::uint64_t> sections_;
    std::unordered_map<std::string_view, ElfSymbol> variables_;
    std::vector<std::string_view> externals_;
    std::unordered_set<std::string_view> external_names_;
};

}  // namespace btfmmap::loading
