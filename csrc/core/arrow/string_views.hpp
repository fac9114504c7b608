#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/arrow/export.hpp"
#include "core/btf/btf.hpp"

namespace btfmmap::arrow {

// Returns a column named `name` with the strings at `offsets`, as views into the string sections of the BTF
// and its bases, which are not copied unless their bytes may change. Its format is UTF-8 if all of the
// strings are, otherwise binary. Throws Error: not_found for an offset that is not in the string sections,
// not_supported for strings that views cannot address.
Column string_views(const std::shared_ptr<const Btf>& btf, std::string name,
                    const std::vector<std::int64_t>& offsets);

}  // namespace btfmmap::arrow
