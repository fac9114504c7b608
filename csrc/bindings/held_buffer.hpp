#pragma once

#include <pybind11/pybind11.h>

#include <memory>

namespace btfmmap::bindings {

// Requests the buffer of an object and holds it until the last copy of the pointer is gone, on any thread.
// After the interpreter's end, it is not released. Throws what the object raises.
inline std::shared_ptr<const Py_buffer> held_buffer(const pybind11::handle& object) {
    auto held = std::make_unique<Py_buffer>();
    if (PyObject_GetBuffer(object.ptr(), held.get(), PyBUF_SIMPLE) != 0) {
        throw pybind11::error_already_set();
    }
    return {held.release(), [](Py_buffer* buffer) {
                if (Py_IsInitialized() != 0) {
                    const pybind11::gil_scoped_acquire locked;
                    PyBuffer_Release(buffer);
                    delete buffer;
                }
            }};
}

}  // namespace btfmmap::bindings
