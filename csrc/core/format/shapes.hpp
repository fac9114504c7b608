#pragma once

#include <memory>

#include "core/base/bytes.hpp"
#include "core/format/wire_format.hpp"

namespace btfmmap {

// The shapes of a file's records. Those of known kinds come from wire_format.hpp; those of other kinds from
// the layout section of the file or of its base.
class FileShapes {
public:
    // `layout` is the layout section, possibly empty. `base` is nullptr for a standalone BTF.
    FileShapes(Bytes layout, const FileShapes* base);

    const Shapes& get() const { return extended_ == nullptr ? kShapes : *extended_; }

private:
    std::shared_ptr<const Shapes> extended_;
};

}  // namespace btfmmap
