#pragma once

#include <functional>

#include "core/text/output.hpp"

namespace btfmmap {

// Runs `produce` in a thread of its own while `sink` is called here with what it has written so far: the
// kernel copies one piece while the next is made. What either throws is thrown here, once both have ended.
void with_writer_thread(const std::function<void(Output&)>& produce, const Output::Sink& sink);

}  // namespace btfmmap
