#pragma once

#include <memory>
#include <string>

#include "core/btf/btf.hpp"

namespace btfmmap {

// Relocates a split BTF from a distilled base to a full base. Returns a copy with the type IDs and string
// offsets that libbpf's btf__relocate assigns. A distilled base has only the names, kinds and sizes of the
// types that the split BTF needs: it is the .BTF.base section of a module that was built separately from its
// kernel.
//
// `name` and `base_name` are the names of the split BTF and the base in messages. Throws Error: format if a
// distilled type has no counterpart or more than one, not_supported if the base of `split` is not distilled.
std::shared_ptr<const Btf> relocate(const Btf& split, std::shared_ptr<const Btf> base,
                                    const std::string& name, const std::string& base_name);

}  // namespace btfmmap
