#pragma once

#include <memory>

#include "core/base/bytes.hpp"
#include "core/format/wire_format.hpp"

namespace btfmmap {

// How the records of each kind are built: as format.hpp knows it and, for kinds that it does not know, as a
// file's layout section says, or else its base's.
class FileShapes {
public:
    // `layout` may be empty; `base` is nullptr for a BTF that stands alone.
    FileShapes(Bytes layout, const FileShapes* base);

    const Shapes& get() const { return extended_ == nullptr ? kShapes : *extended_; }

private:
    std::shared_ptr<const Shapes> extended_;
};

}  // namespace btfmmap
