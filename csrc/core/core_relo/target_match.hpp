#pragma once

#include <cstdint>
#include <vector>

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

// A member on the way of a field in the target. Members without a name are on it, too.
struct MemberStep {
    std::uint32_t type;  // the struct or union
    std::uint32_t number;
};

// `path` is a path in the object's BTF. If `steps` is given, the members on the way of a field, as far as it
// is found, are appended to it in any order.
Match match_candidate(const Btf& local, ReloKind kind, const LocalPath& path, const Btf& target,
                      std::uint32_t candidate, Budget& budget, std::vector<MemberStep>* steps = nullptr);

}  // namespace btfmmap::core_relo
