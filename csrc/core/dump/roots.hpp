#pragma once

#include <cstdint>
#include <vector>

#include "core/btf/btf.hpp"

namespace btfmmap {

// Calls `visit(type_id)` for the roots or, if there are none, for all types of the BTF without its base.
// Throws Error (not_found) for a root that does not exist.
template <class Visit>
void each_root(const Btf& btf, const std::vector<std::int64_t>& roots, Visit visit) {
    const Index& index = btf.index();
    for (const std::int64_t root : roots) {
        visit(btf.check_id(root));
    }
    if (roots.empty()) {
        for (std::uint32_t id = index.id(index.first_record()); id != index.end_id(); ++id) {
            visit(id);
        }
    }
}

}  // namespace btfmmap
