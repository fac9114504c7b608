#pragma once

#include <cstdint>
#include <vector>

#include "core/analysis/sizes.hpp"
#include "core/btf/btf.hpp"
#include "core/dump/c_declarations.hpp"
#include "core/text/output.hpp"

namespace btfmmap {

// The types of a BTF and its bases as a C header, identical to `bpftool btf dump file ... format c` unless
// Fidelity::layout asks for what a compiler lays out as the BTF has it; of
// `roots`, these with what they need. `sorted` orders them as bpftool does since 7.5, else by id. Throws
// Error: not_found for a root that is not there, and what CWriter throws.
void dump_c(const Btf& btf, const Sizes& sizes, const std::vector<std::int64_t>& roots, bool sorted,
            Output& output, CDeclarations::Fidelity fidelity = CDeclarations::Fidelity::libbpf);

}  // namespace btfmmap
