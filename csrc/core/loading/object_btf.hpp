#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/base/bytes.hpp"
#include "core/input/file.hpp"

namespace btfmmap::loading {

// The BTF of a BPF object as libbpf hands it to the kernel.
struct ObjectBtf {
    std::vector<std::byte> bytes;
    // Why libbpf does not load the object at all; `bytes` are then incomplete.
    std::optional<std::string> problem;
};

// The ELF machine number of BPF objects.
constexpr std::uint16_t kMachine = 247;

// Mends the BTF of a BPF object as libbpf 1.8 does for a kernel of 6.18:
//
// - sizes of sections and offsets of variables, which compilers leave 0, come from the ELF file
// - external functions and variables of the kernel become entries of 4 bytes in .ksyms, and functions there
//   refer to an additional variable, whose name unnamed parameters get. Of several such sections, that of the
//   last external symbol is mended, and the variable is added only for functions of the first
// - variables of .kconfig are laid out
// - entries are sorted by their offsets; hidden variables become static
// - the layout section is left out
//
// All other bytes stay in their places, up to the end of the type section; that may grow by one record.
// `file` is the whole ELF file, `btf` its .BTF section. BTF that libbpf cannot read is returned as it is.
// Throws Error if the ELF file is malformed.
ObjectBtf as_loaded(const File& file, Bytes btf);

}  // namespace btfmmap::loading
