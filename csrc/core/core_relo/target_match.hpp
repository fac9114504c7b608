#pragma once

#include "core/core_relo/compatibility.hpp"
#include "core/core_relo/kinds.hpp"
#include "core/core_relo/local_path.hpp"

namespace btfmmap::core_relo {

// Whether a candidate has what a relocation refers to.
struct Match {
    bool found = false;
    Failure failure;         // an error, or else why it is not found
    std::uint32_t step = 0;  // if it is not found: the accessor that has no counterpart
    Position position;  // if found: where the path leads in the target; of an enumerator, without bit offset
};

// `path` is a path in the object's BTF.
Match match_candidate(const Btf& local, ReloKind kind, const LocalPath& path, const Btf& target,
                      std::uint32_t candidate, Budget& budget);

}  // namespace btfmmap::core_relo
