#pragma once

#include <cstdint>
#include <vector>

#include "core/analysis/sizes.hpp"
#include "core/btf/btf.hpp"
#include "core/dump/c_declarations.hpp"
#include "core/text/output.hpp"

namespace btfmmap {

// Writes the types of a BTF and its bases as a C header. With Fidelity::libbpf, the text is identical to that
// of `bpftool btf dump file ... format c`. With roots, writes only these types and those that they need.
// `sorted` orders types as bpftool does since version 7.5; otherwise they are in the order of their IDs.
//
// Throws Error: not_found for a root that does not exist, and the errors of CWriter.
void dump_c(const Btf& btf, const Sizes& sizes, const std::vector<std::int64_t>& roots, bool sorted,
            Output& output, CDeclarations::Fidelity fidelity = CDeclarations::Fidelity::libbpf);

}  // namespace btfmmap
