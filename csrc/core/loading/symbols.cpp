#include "core/loading/symbols.hpp"

namespace btfmmap::loading {

ObjectSymbols::ObjectSymbols(const File& file) : elf_(file) {
    std::uint64_t table = 0;
    for (std::uint64_t number = 1; number < elf_.sections(); ++number) {
        const ElfSectionHeader header = elf_.header_of(number);
        sections_.emplace(header.name, header.size);
        if (header.type == ElfSymbols::kSectionType) {
            table = number;
        }
    }
    if (table == 0) {
        return;
    }
    symbols_.emplace(file, elf_, table);
    for (std::size_t number = 0; number != symbols_->size(); ++number) {
        add(symbols_->symbol(number));
    }
}

void ObjectSymbols::add(const ElfSymbol& symbol) {
    if (symbol.binding() != ElfSymbol::kGlobal && symbol.binding() != ElfSymbol::kWeak) {
        return;
    }
    const bool external = symbol.section == ElfSymbol::kUndefined && symbol.type() == ElfSymbol::kNoType;
    if (!external && symbol.type() != ElfSymbol::kObject) {
        return;
    }
    const std::string_view name = symbols_->name(symbol);
    if (!external) {
        variables_.emplace(name, symbol);
    } else if (!name.empty()) {
        externals_.push_back(name);
        external_names_.insert(name);
    }
}

std::optional<std::uint64_t> ObjectSymbols::section_size(std::string_view name) const {
    const auto found = sections_.find(std::string(name));
    return found == sections_.end() ? std::nullopt : std::optional(found->second);
}

const ElfSymbol* ObjectSymbols::variable(std::string_view name) const {
    const auto found = variables_.find(name);
    return found == variables_.end() ? nullptr : &found->second;
}

}  // namespace btfmmap::loading
