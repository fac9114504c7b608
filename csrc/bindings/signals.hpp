#pragma once

#include <pybind11/pybind11.h>

namespace btfmmap::bindings {

// Runs the Python handlers of signals that arrived, for example at an interrupted system call. Acquires the
// GIL. Throws what a handler raises, such as KeyboardInterrupt.
inline void run_signal_handlers() {
    const pybind11::gil_scoped_acquire locked;
    if (PyErr_CheckSignals() != 0) {
        throw pybind11::error_already_set();
    }
}

}  // namespace btfmmap::bindings
