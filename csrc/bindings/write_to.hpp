#pragma once

#include <pybind11/pybind11.h>

#include <functional>

#include "core/text/output.hpp"

namespace btfmmap::bindings {

enum class Writing : bool { same_thread, writer_thread };

// Passes the output of `produce` in pieces to a file descriptor or a Python callable. Releases the GIL while
// `produce` runs. Runs signal handlers before each write to a file descriptor.
void write_to(const pybind11::object& to, Writing writing, const std::function<void(Output&)>& produce);

}  // namespace btfmmap::bindings
