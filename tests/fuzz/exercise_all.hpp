#pragma once

#include <memory>

#include "core/btf/btf.hpp"

namespace btfmmap::fuzz {

using BtfPtr = std::shared_ptr<const Btf>;

// nullptr where it is refused: then lint must say why.
BtfPtr open(const Mapping& bytes, const BtfPtr& base = nullptr);

// Asks the core everything that can be asked of one BTF. What it throws must be an Error; what it answers
// must make sense, also where the bytes were changed after they were opened.
void read_everything(const Btf& btf);

// The same for a section .BTF.ext.
void read_ext(const Mapping& section, const Btf& btf);

}  // namespace btfmmap::fuzz
