#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "core/core_relo/evaluation.hpp"

namespace btfmmap::bindings {

// The outcomes of several objects, one after another, with what they refer to.
struct Outcomes {
    std::vector<std::shared_ptr<core_relo::Object>> objects;
    std::shared_ptr<core_relo::Target> target;
    std::vector<std::size_t> starts;  // the first outcome of each object
    std::vector<core_relo::Outcome> all;
};

}  // namespace btfmmap::bindings
