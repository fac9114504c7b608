#pragma once

#include <memory>
#include <string>

#include "core/btf/btf.hpp"

namespace btfmmap {

// A split BTF, made on a distilled base, moved onto a full base: a copy with other type ids and string
// offsets, the ones that libbpf's btf__relocate gives. A distilled base has only names, kinds and sizes of
// what the split BTF needs (the .BTF.base section of a module built apart from its kernel).
// `name` and `base_name` are what messages call the split BTF and the base. Throws Error (format) where a
// distilled type has no counterpart or more than one, not_supported where it has no distilled base.
std::shared_ptr<const Btf> relocate(const Btf& split, std::shared_ptr<const Btf> base,
                                    const std::string& name, const std::string& base_name);

}  // namespace btfmmap
