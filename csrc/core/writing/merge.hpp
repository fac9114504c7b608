#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "core/writing/record_copier.hpp"

namespace btfmmap::writing {

// Several BTFs as one.
struct Merged {
    std::vector<std::byte> bytes;
    std::vector<IdMap> ids;  // the new IDs of the types of each BTF and its bases
};

// Writes the types of several BTFs and their bases as one standalone BTF, each once. As for libbpf's
// btf__dedup of the concatenation:
//
// - types are the same if the whole graph that they lead to is;
// - a forward declaration is the struct or union of its name, if there is one such definition; an enum
//   without values is the enum of its name;
// - VAR and DATASEC are kept as they are.
//
// A base that BTFs have in common is taken once. The order is that of the first of each type. Throws Error:
// invalid_argument if a limit of the format is exceeded, not_supported for a kind that only a layout section
// describes, or if the types take too long to compare.
Merged merge(const std::vector<std::shared_ptr<const Btf>>& btfs, ByteOrder order);

}  // namespace btfmmap::writing
