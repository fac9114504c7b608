#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "core/btf/btf.hpp"

namespace btfmmap::fuzz {

using BtfPtr = std::shared_ptr<const Btf>;

// Returns nullptr for a refused input; aborts unless lint agrees.
BtfPtr open(const Mapping& bytes, const BtfPtr& base = nullptr);

// Asks the core every question about one BTF. Only Errors may be thrown, and answers must make sense, even of
// bytes that have changed since they were opened.
void exercise_all(const Btf& btf);

// Reads all of a section .BTF.ext, by the same rules.
void read_ext(const Mapping& section, const Btf& btf);

// Evaluates the CO-RE relocations of an object against a kernel, by the same rules. `code` stands for every
// ELF section that has instructions.
void evaluate_relocations(const BtfPtr& object, const Mapping& ext, const Mapping& code,
                          const BtfPtr& kernel);

// Follows a path of members, indices and pointers from some types, and searches paths to some, with what the
// numbers choose of the options, by the same rules.
void ask_paths(const Btf& btf, std::string_view path, std::size_t options);

// Compares each of several BTFs with the next, and reads all of what they define, by the same rules.
void compare(const std::vector<BtfPtr>& btfs);

}  // namespace btfmmap::fuzz
