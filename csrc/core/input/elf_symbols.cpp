#include "core/input/elf_symbols.hpp"

#include <algorithm>
#include <string>

#include "core/base/error.hpp"

namespace btfmmap {

namespace {

constexpr std::size_t kSymbolSize = 24;
// Far above what a kernel loads.
constexpr std::uint64_t kMaxSymbols = std::uint64_t{1} << 20;

Mapping names_of(const File& file, const Elf& elf, std::uint64_t section) {
    const ElfSectionHeader header = elf.header_of(section);
    if (header.link >= elf.sections()) {
        throw Error::format(file.name() + ": the names of symbols are in section " +
                            std::to_string(header.link) + " of " + std::to_string(elf.sections()));
    }
    if (header.size / kSymbolSize > kMaxSymbols) {
        throw Error::not_supported(file.name() + ": more than " + std::to_string(kMaxSymbols) + " symbols");
    }
    return elf.content(elf.header_of(header.link));
}

}  // namespace

ElfSymbols::ElfSymbols(const File& file, const Elf& elf, std::uint64_t section)
    : file_(file),
      order_(elf.byte_order()),
      table_(elf.content(elf.header_of(section))),
      names_(names_of(file, elf, section)) {}

std::size_t ElfSymbols::size() const { return table_.bytes().size / kSymbolSize; }

ElfSymbol ElfSymbols::symbol(std::size_t number) const {
    const std::byte* at = table_.bytes().data + number * kSymbolSize;
    return with_byte_order(order_, [at](auto load) {
        return ElfSymbol{load.u32(at),
                         static_cast<std::uint8_t>(at[4]),
                         static_cast<std::uint8_t>(at[5]),
                         load.u16(at + 6),
                         load.u64(at + 8),
                         load.u64(at + 16)};
    });
}

std::string_view ElfSymbols::name(const ElfSymbol& symbol) const {
    const Bytes names = names_.bytes();
    if (symbol.name >= names.size) {
        throw Error::format(file_.name() + ": a symbol has the name offset " + std::to_string(symbol.name) +
                            ", past the " + std::to_string(names.size) + " bytes of names");
    }
    const std::string_view start(reinterpret_cast<const char*>(names.data) + symbol.name,
                                 std::min(names.size - symbol.name, Elf::kMaxName + 1));
    const std::size_t end = start.find('\0');
    if (end == std::string_view::npos) {
        throw Error::format(file_.name() + ": the name of a symbol does not end within " +
                            std::to_string(Elf::kMaxName) + " bytes");
    }
    return start.substr(0, end);
}

}  // namespace btfmmap
