#include "core/program/object.hpp"

#include <algorithm>
#include <utility>

#include "core/base/error.hpp"
#include "core/base/merge_sort.hpp"
#include "core/input/elf_symbols.hpp"

namespace btfmmap::program {

namespace {

using std::uint16_t;
using std::uint32_t;
using std::uint64_t;
using std::uint8_t;

constexpr uint16_t kMachineBpf = 247;
constexpr uint32_t kProgramBits = 1, kRelocations = 9;   // SHT_
constexpr uint64_t kAllocated = 0x2, kExecutable = 0x4;  // SHF_

constexpr std::size_t kRelocationSize = 16;
constexpr std::string_view kText = ".text";

// Limits on what is kept of one object, far above what a kernel loads.
constexpr uint64_t kMaxInstructions = std::uint64_t{1} << 22;

bool starts_with(std::string_view text, std::string_view prefix) {
    return text.substr(0, prefix.size()) == prefix;
}

// Whether the section's variables are read-only in the kernel, as libbpf names such sections.
bool is_read_only(std::string_view name) { return name == ".rodata" || starts_with(name, ".rodata."); }

std::string quoted(std::string_view name) { return "'" + std::string(name) + "'"; }

}  // namespace

class Object::Reader {
public:
    Reader(Object& object, const File& file) : object_(object), file_(file), elf_(file) {}

    void read() {
        if (elf_.machine() != kMachineBpf || elf_.pointer_size() != 8) {
            throw Error::format(file_.name() + ": an ELF file of machine " + std::to_string(elf_.machine()) +
                                " with " + std::to_string(8 * elf_.pointer_size()) +
                                " bits; a BPF object is of machine 247 with 64 bits");
        }
        object_.order_ = elf_.byte_order();
        read_sections();
        read_symbols();
        read_relocations();
        choose_programs();
    }

private:
    Error malformed(const std::string& what) const { return Error::format(file_.name() + ": " + what); }
    Error too_large(const std::string& what) const {
        return Error::not_supported(file_.name() + ": " + what);
    }

    void read_sections() {
        for (uint64_t number = 1; number < elf_.sections(); ++number) {
            const ElfSectionHeader header = elf_.header_of(number);
            if (header.type == ElfSymbols::kSectionType) {
                if (symbol_table_ != 0) {
                    throw malformed("more than one symbol table");
                }
                symbol_table_ = number;
            }
            if (header.type != kProgramBits || header.size == 0) {
                continue;
            }
            const auto elf_section = static_cast<uint32_t>(number);
            if ((header.flags & kExecutable) != 0) {
                read_code(header, elf_section);
            } else if ((header.flags & kAllocated) != 0 && is_read_only(header.name)) {
                object_.read_only_.push_back({elf_section, elf_.content(header)});
            }
        }
    }

    void read_code(const ElfSectionHeader& header, uint32_t elf_section) {
        const Mapping content = elf_.content(header);
        if (header.size % kInstructionSize != 0) {
            throw malformed("the section " + quoted(header.name) + " has " + std::to_string(header.size) +
                            " bytes; instructions have 8 each");
        }
        const uint64_t count = header.size / kInstructionSize, first = object_.code_.size();
        if (count > kMaxInstructions - first) {
            throw too_large("more than " + std::to_string(kMaxInstructions) + " instructions");
        }
        for (std::size_t i = 0; i != content.bytes().size; i += kInstructionSize) {
            object_.code_.push_back(decode(content.bytes().data + i, object_.order_));
        }
        object_.section_by_name_.emplace(header.name, static_cast<uint32_t>(object_.sections_.size()));
        object_.sections_.push_back({std::string(header.name), elf_section, static_cast<uint32_t>(first),
                                     static_cast<uint32_t>(first + count)});
    }

    // Returns the number of the code section; kNone if the ELF section contains no code.
    uint32_t code_section(uint32_t elf_section) const {
        const auto& sections = object_.sections_;
        const auto at = std::lower_bound(
            sections.begin(), sections.end(), elf_section,
            [](const CodeSection& section, uint32_t number) { return section.elf_section < number; });
        return at != sections.end() && at->elf_section == elf_section
                   ? static_cast<uint32_t>(at - sections.begin())
                   : kNone;
    }

    void read_symbols() {
        if (symbol_table_ == 0) {
            throw malformed("no symbol table; was the file stripped?");
        }
        const ElfSymbols table(file_, elf_, symbol_table_);
        symbols_.reserve(table.size());
        external_of_.assign(table.size(), kNone);
        for (std::size_t i = 0; i != table.size(); ++i) {
            symbols_.push_back(table.symbol(i));
            const ElfSymbol& symbol = symbols_.back();
            if (symbol.section == ElfSymbol::kUndefined && symbol.binding() != ElfSymbol::kLocal) {
                const std::string_view name = table.name(symbol);
                if (!name.empty()) {
                    external_of_[i] = static_cast<uint32_t>(object_.externals_.size());
                    object_.externals_.push_back({std::string(name), symbol.binding() == ElfSymbol::kWeak});
                }
            } else if (symbol.type() == ElfSymbol::kFunction) {
                read_function(symbol, table);
            }
        }
        merge_sort(object_.functions_,
                   [](const Function& a, const Function& b) { return a.first < b.first; });
        check_functions();
    }

    // Functions may have several names, but may not overlap otherwise.
    void check_functions() const {
        uint64_t instructions = 0;
        const Function* last = nullptr;
        for (const Function& function : object_.functions_) {
            const bool alias = last != nullptr && last->first == function.first && last->end == function.end;
            if (last != nullptr && last->end > function.first && !alias) {
                throw malformed("the functions " + quoted(last->name) + " and " + quoted(function.name) +
                                " overlap");
            }
            instructions += function.end - function.first;
            if (instructions > 2 * kMaxInstructions) {
                throw too_large("functions with more than " + std::to_string(2 * kMaxInstructions) +
                                " instructions in all");
            }
            last = &function;
        }
    }

    void read_function(const ElfSymbol& symbol, const ElfSymbols& table) {
        const uint32_t number = code_section(symbol.section);
        if (number == kNone) {
            return;
        }
        const CodeSection& section = object_.sections_[number];
        const uint64_t bytes = uint64_t{section.end - section.first} * kInstructionSize;
        const std::string_view name = table.name(symbol);
        if (symbol.size == 0 || symbol.value % kInstructionSize != 0 || symbol.size % kInstructionSize != 0 ||
            symbol.value > bytes || symbol.size > bytes - symbol.value) {
            throw malformed("the function " + quoted(name) + " has " + std::to_string(symbol.size) +
                            " bytes at " + std::to_string(symbol.value) + " of section " +
                            quoted(section.name) + ", which has " + std::to_string(bytes));
        }
        const auto first = static_cast<uint32_t>(section.first + symbol.value / kInstructionSize);
        const auto end = static_cast<uint32_t>(first + symbol.size / kInstructionSize);
        const bool global = symbol.binding() != ElfSymbol::kLocal && !symbol.is_hidden();
        object_.functions_.push_back({std::string(name), number, first, end, global, false});
    }

    // Functions outside of .text are programs, and so is the only function of an object.
    void choose_programs() {
        std::vector<Function>& functions = object_.functions_;
        for (Function& function : functions) {
            function.program = functions.size() == 1 || object_.sections_[function.section].name != kText;
        }
    }

    void read_relocations() {
        std::vector<Reference>& references = object_.references_;
        for (uint64_t number = 1; number < elf_.sections(); ++number) {
            const ElfSectionHeader header = elf_.header_of(number);
            const uint32_t code = header.type == kRelocations ? code_section(header.info) : kNone;
            if (code == kNone) {
                continue;
            }
            if (header.entry_size != kRelocationSize) {
                throw malformed("the section " + quoted(header.name) + " has records of " +
                                std::to_string(header.entry_size) + " bytes, must be 16");
            }
            const Mapping content = elf_.content(header);
            if (content.bytes().size / kRelocationSize > kMaxInstructions) {
                throw too_large("more than " + std::to_string(kMaxInstructions) + " relocations");
            }
            for (std::size_t at = 0; content.bytes().size - at >= kRelocationSize; at += kRelocationSize) {
                add_reference(content.bytes().data + at, object_.sections_[code]);
            }
        }
        merge_sort(references,
                   [](const Reference& a, const Reference& b) { return a.instruction < b.instruction; });
        const auto end = std::unique(
            references.begin(), references.end(),
            [](const Reference& a, const Reference& b) { return a.instruction == b.instruction; });
        references.erase(end, references.end());
    }

    void add_reference(const std::byte* record, const CodeSection& section) {
        const auto [byte, info] = with_byte_order(object_.order_, [record](auto load) {
            return std::pair(load.u64(record), load.u64(record + 8));
        });
        const auto number = static_cast<uint32_t>(info >> 32);
        if (number >= symbols_.size()) {
            throw malformed("a relocation of section " + quoted(section.name) + " refers to symbol " +
                            std::to_string(number) + " of " + std::to_string(symbols_.size()));
        }
        const uint64_t count = section.end - section.first;
        if (byte % kInstructionSize != 0 || byte / kInstructionSize >= count) {
            throw malformed("a relocation of byte " + std::to_string(byte) + " of section " +
                            quoted(section.name) + ", which has " + std::to_string(count) + " instructions");
        }
        const auto instruction = static_cast<uint32_t>(section.first + byte / kInstructionSize);
        if (external_of_[number] != kNone) {
            object_.references_.push_back({instruction, Reference::Kind::external, external_of_[number], 0});
            return;
        }
        const ElfSymbol& symbol = symbols_[number];
        const uint32_t code = code_section(symbol.section);
        const Instruction& user = object_.code_[instruction];
        const auto addend = static_cast<uint64_t>(std::int64_t{user.immediate});
        if (code == kNone) {
            // A map or a variable. Only a section's symbol has the variable's offset in the instruction.
            object_.references_.push_back(
                {instruction, Reference::Kind::data, symbol.section, symbol.value + addend});
            return;
        }
        // A call counts instructions from the next one, and has -1 if the symbol is the function's own. An
        // address counts bytes.
        const bool call = user.code == opcode::kCallFunction;
        const uint64_t target =
            symbol.value / kInstructionSize + (call ? addend + 1 : addend / kInstructionSize);
        const CodeSection& called = object_.sections_[code];
        const bool inside = target < called.end - called.first;
        object_.references_.push_back(
            {instruction, Reference::Kind::function, 0, inside ? called.first + target : kNone});
    }

    Object& object_;
    const File& file_;
    Elf elf_;
    uint64_t symbol_table_ = 0;
    std::vector<ElfSymbol> symbols_;
    std::vector<uint32_t> external_of_;  // by symbol
};

Object::Object(const File& file) { Reader(*this, file).read(); }

uint32_t Object::at(const std::string& section, uint64_t byte) const {
    const auto found = section_by_name_.find(section);
    if (found == section_by_name_.end() || byte % kInstructionSize != 0) {
        return kNone;
    }
    const CodeSection& code = sections_[found->second];
    const uint64_t number = byte / kInstructionSize;
    return number < code.end - code.first ? static_cast<uint32_t>(code.first + number) : kNone;
}

std::optional<uint64_t> Object::read_only(uint32_t elf_section, uint64_t offset, uint32_t size) const {
    const auto found =
        std::lower_bound(read_only_.begin(), read_only_.end(), elf_section,
                         [](const Data& data, uint32_t number) { return data.elf_section < number; });
    if (found == read_only_.end() || found->elf_section != elf_section) {
        return std::nullopt;
    }
    const Bytes bytes = found->bytes.bytes();
    if (offset > bytes.size || size > bytes.size - offset) {
        return std::nullopt;
    }
    const std::byte* at = bytes.data + in_memory(offset);
    return with_byte_order(order_, [at, size](auto load) -> uint64_t {
        switch (size) {
            case 1:
                return static_cast<uint8_t>(*at);
            case 2:
                return load.u16(at);
            case 4:
                return load.u32(at);
            default:
                return load.u64(at);
        }
    });
}

}  // namespace btfmmap::program
