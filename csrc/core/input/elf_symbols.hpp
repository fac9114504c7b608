#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/input/elf.hpp"
#include "core/input/file.hpp"

namespace btfmmap {

struct ElfSymbol {
    static constexpr std::uint8_t kNoType = 0, kObject = 1, kFunction = 2;  // STT_
    static constexpr std::uint8_t kLocal = 0, kGlobal = 1, kWeak = 2;       // STB_
    static constexpr std::uint8_t kInternal = 1, kHidden = 2;               // STV_
    static constexpr std::uint16_t kUndefined = 0;                          // SHN_UNDEF

    std::uint32_t name;
    std::uint8_t info;
    std::uint8_t other;
    std::uint16_t section;
    std::uint64_t value;
    std::uint64_t size;

    std::uint8_t type() const { return info & 0x0f; }
    std::uint8_t binding() const { return info >> 4; }
    std::uint8_t visibility() const { return other & 0x03; }
    bool is_hidden() const { return visibility() == kInternal || visibility() == kHidden; }
};

// The symbol table of an ELF file with 64 bits.
class ElfSymbols {
public:
    static constexpr std::uint32_t kSectionType = 2;  // SHT_SYMTAB

    // `section` is the number of the table's section. Throws Error: format if the table or its names are not
    // inside the file, not_supported for more than a million symbols.
    ElfSymbols(const File& file, const Elf& elf, std::uint64_t section);

    std::size_t size() const;
    ElfSymbol symbol(std::size_t number) const;

    // Returns the name of a symbol, valid as long as this object. Throws Error (format) if it is not inside
    // the file or is longer than Elf::kMaxName bytes.
    std::string_view name(const ElfSymbol& symbol) const;

private:
    const File& file_;
    ByteOrder order_;
    Mapping table_;
    Mapping names_;
};

}  // namespace btfmmap
