#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "core/btf.hpp"

namespace btfmmap::bindings {

// An array inside a Btf, for Python's buffer protocol: read-only, and it keeps the Btf (so the mapping)
// alive. numpy or memoryview wrap it without a copy.
struct View {
    std::shared_ptr<const Btf> owner;
    const void* data;
    std::size_t rows;
    std::size_t item_size;
    std::string format;
};

}  // namespace btfmmap::bindings
