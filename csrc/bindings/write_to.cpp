#include "bindings/write_to.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "bindings/signals.hpp"
#include "core/text/writer_thread.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

// Writes all of a text. Runs signal handlers before each write: a write to a full pipe blocks, and a signal
// that arrived before it would not interrupt it.
void write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        run_signal_handlers();
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (const int code = errno; code != EINTR) {
            const py::gil_scoped_acquire locked;
            errno = code;
            PyErr_SetFromErrno(PyExc_OSError);
            throw py::error_already_set();
        }
    }
}

// Enlarges a pipe to hold two buffers. If it cannot hold one, each write waits for the reader, and a dump
// takes twice as long. Has no effect on other files, or if the kernel refuses.
void widen_pipe(int fd) {
#ifdef F_SETPIPE_SZ
    constexpr int wanted = 2 * Output::kSize;
    const int size = ::fcntl(fd, F_GETPIPE_SZ);
    if (size >= 0 && size < wanted) {
        ::fcntl(fd, F_SETPIPE_SZ, wanted);
    }
#else
    static_cast<void>(fd);
#endif
}

}  // namespace

void write_to(const py::object& to, Writing writing, const std::function<void(Output&)>& produce) {
    Output::Sink sink = [&to](const Output::Buffer& buffer, std::size_t size) {
        const py::gil_scoped_acquire locked;
        to(py::bytes(buffer.get(), size));
    };
    if (py::isinstance<py::int_>(to)) {
        const int fd = py::cast<int>(to);
        widen_pipe(fd);
        sink = [fd](const Output::Buffer& buffer, std::size_t size) { write_all(fd, {buffer.get(), size}); };
    } else {
        writing = Writing::same_thread;  // the callable may depend on its thread
    }
    const py::gil_scoped_release unlocked;
    if (writing == Writing::writer_thread) {
        with_writer_thread(produce, sink);
    } else {
        Output output(sink);
        produce(output);
    }
}

}  // namespace btfmmap::bindings
