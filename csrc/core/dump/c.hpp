#pragma once

#include <cstdint>
#include <vector>

#include "core/analysis/sizes.hpp"
#include "core/btf/btf.hpp"
#include "core/dump/c_dialect.hpp"
#include "core/text/output.hpp"

namespace btfmmap {

struct CHeader {
    CDialect dialect = CDialect::bpftool;
    bool sorted = true;    // as bpftool does since version 7.5; otherwise in the order of type IDs
    bool comment = false;  // start with a comment that names the dialect and the flags that it needs
};

// Writes the types of a BTF and its bases as a C header. In the dialect bpftool, the text is identical to
// that of `bpftool btf dump file ... format c`. With roots, writes only these types and those that they need.
//
// Throws Error: not_found for a root that does not exist, and the errors of CWriter.
void dump_c(const Btf& btf, const Sizes& sizes, const std::vector<std::int64_t>& roots, const CHeader& header,
            Output& output);

}  // namespace btfmmap
