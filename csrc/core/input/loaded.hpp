#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/input/mapping.hpp"

namespace btfmmap {

// A BTF object in the running kernel: that of the kernel or a module, or one loaded for BPF programs.
struct LoadedBtf {
    std::uint32_t id;
    std::uint32_t size;  // in bytes
    bool kernel;         // whether it describes the kernel or a module
    std::string name;    // "vmlinux" or the name of the module; empty for BPF programs
};

// Query BTF objects through bpf(2): BPF_BTF_GET_NEXT_ID, BPF_BTF_GET_FD_BY_ID, BPF_OBJ_GET_INFO_BY_FD. The
// kernel requires CAP_SYS_ADMIN. Throw Error: system with errno, and the command instead of a path;
// not_supported where there is no bpf(2).
std::vector<LoadedBtf> loaded_btfs();
LoadedBtf loaded_btf(std::uint32_t id);
Mapping read_loaded_btf(std::uint32_t id);

}  // namespace btfmmap
