#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/btf/ext.hpp"
#include "core/core_relo/object.hpp"

namespace btfmmap::core_relo {

// The contents of ELF sections, by the offset of their name in the object's strings.
using Sections = std::unordered_map<std::uint32_t, Bytes>;

// Returns the records of the core_relo part of .BTF.ext with the sections of their instructions.
std::vector<Record> records_of(const Ext& ext, const Sections& sections);

}  // namespace btfmmap::core_relo
