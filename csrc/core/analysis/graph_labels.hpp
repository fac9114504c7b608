#pragma once

#include <vector>

#include "core/analysis/edges.hpp"
#include "core/base/arena.hpp"
#include "core/btf/btf.hpp"

namespace btfmmap {

// Labels the edges from the types of some BTFs, each one's base before it, to what they refer to. Comes from
// kinds and numbers of elements alone: the bytes, which may have changed, are not looked at.
Labels label(const std::vector<const Btf*>& levels, const Edges& forward, Arena& arena);

}  // namespace btfmmap
