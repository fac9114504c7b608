#pragma once

#include <vector>

#include "core/analysis/edges.hpp"
#include "core/base/arena.hpp"
#include "core/btf/btf.hpp"

namespace btfmmap {

// Labels the forward edges of some BTFs, each preceded by its base. Labels depend only on kinds and numbers
// of elements. The bytes, which may have changed, are not read.
Labels label(const std::vector<const Btf*>& levels, const Edges& forward, Arena& arena);

}  // namespace btfmmap
