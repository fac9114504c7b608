#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/endian.hpp"
#include "core/input/elf.hpp"
#include "core/input/file.hpp"
#include "core/program/instruction.hpp"

namespace btfmmap::program {

constexpr std::uint32_t kNone = UINT32_MAX;

// What an instruction refers to by an ELF relocation.
struct Reference {
    enum class Kind : std::uint8_t {
        function,  // `offset` is the number of its first instruction
        data,      // `index` is the ELF section, `offset` a byte in it
        external,  // `index` is the number of an external symbol
    };

    std::uint32_t instruction;
    Kind kind;
    std::uint32_t index;
    std::uint64_t offset;
};

// An ELF section with instructions. These are numbered across all such sections, in the order of the file.
struct CodeSection {
    std::string name;
    std::uint32_t elf_section;
    std::uint32_t first;
    std::uint32_t end;
};

struct Function {
    std::string name;
    std::uint32_t section;  // of `Object::sections()`
    std::uint32_t first;
    std::uint32_t end;
    // Verified separately, with unknown arguments: its symbol is neither static nor hidden.
    bool global;
    // Loaded as a program, by libbpf's rules; any other function is called.
    bool program;
};

// A symbol that the object does not define: of the kernel, or of its configuration.
struct External {
    std::string name;
    bool weak;
};

// The programs of a BPF object: an ELF file of machine 247, 64 bits, in either byte order.
class Object {
public:
    // Reads all that is needed, so `file` may be closed afterwards. Throws Error: format if the file is not
    // such an object, or what it says of its programs does not fit into it; not_supported if it is too large.
    explicit Object(const File& file);

    ByteOrder byte_order() const { return order_; }
    const std::vector<CodeSection>& sections() const { return sections_; }
    const std::vector<Instruction>& code() const { return code_; }
    // In the order of their first instructions.
    const std::vector<Function>& functions() const { return functions_; }
    // In the order of the symbol table.
    const std::vector<External>& externals() const { return externals_; }
    // In the order of instructions, at most one for each.
    const std::vector<Reference>& references() const { return references_; }

    // Returns the number of an instruction; kNone if there is no such section, or it has none at that byte.
    // Of sections with equal names, considers the first.
    std::uint32_t at(const std::string& section, std::uint64_t byte) const;

    // Returns `size` bytes of a section that is read-only in the kernel, as a number; none if the section is
    // no such section or has no such bytes. A loader may change these bytes before it loads the object.
    std::optional<std::uint64_t> read_only(std::uint32_t elf_section, std::uint64_t offset,
                                           std::uint32_t size) const;

private:
    class Reader;
    struct Data {
        std::uint32_t elf_section;
        Mapping bytes;
    };

    ByteOrder order_ = kHostOrder;
    std::vector<CodeSection> sections_;
    std::vector<Instruction> code_;
    std::vector<Function> functions_;
    std::vector<External> externals_;
    std::vector<Reference> references_;
    std::vector<Data> read_only_;  // in the order of sections
    std::unordered_map<std::string, std::uint32_t> section_by_name_;
};

}  // namespace btfmmap::program
