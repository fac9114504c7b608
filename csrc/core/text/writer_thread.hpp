#pragma once

#include <functional>

#include "core/text/output.hpp"

namespace btfmmap {

// Runs `produce` in a writer thread, and calls `sink` in this thread with the text written so far. The kernel
// can thus copy one buffer while the next one is filled. An exception of either is thrown here, after both
// have ended.
void with_writer_thread(const std::function<void(Output&)>& produce, const Output::Sink& sink);

}  // namespace btfmmap
