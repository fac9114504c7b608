#include <fcntl.h>
#include <pybind11/pybind11.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>

#include "bindings/integers.hpp"
#include "bindings/register.hpp"
#include "core/analysis/btf_sizes.hpp"
#include "core/dump/c.hpp"
#include "core/dump/c_declarations.hpp"
#include "core/dump/json.hpp"
#include "core/dump/raw.hpp"
#include "core/text/writer_thread.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

// Writes all of a text. Runs signal handlers before each write: a write to a full pipe blocks, and a signal
// that arrived before it would not interrupt it.
void write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        {
            const py::gil_scoped_acquire locked;
            if (PyErr_CheckSignals() != 0) {
                throw py::error_already_set();
            }
        }
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

enum class Writing : bool { same_thread, writer_thread };

// Passes the output of `produce` in pieces to a file descriptor or a Python callable.
template <class Produce>
void write_to(const py::object& to, Writing writing, Produce produce) {
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

void raw(const Btf& btf, const py::object& roots, const py::object& to) {
    const auto ids = to_integers(roots);
    write_to(to, Writing::writer_thread, [&](Output& output) { dump_raw(btf, ids, output); });
}

void json(const Btf& btf, const py::object& roots, bool pretty, const py::object& to) {
    const auto ids = to_integers(roots);
    write_to(to, Writing::writer_thread, [&](Output& output) { dump_json(btf, ids, pretty, output); });
}

// Writes from the same thread. C takes three times as long as JSON for a fifth of the text, so a writer
// thread would not save time.
void c(const BtfSizes& sizes, const py::object& roots, bool sorted, const py::object& to, bool as_laid_out) {
    const auto ids = to_integers(roots);
    const auto fidelity = as_laid_out ? CDeclarations::Fidelity::layout : CDeclarations::Fidelity::libbpf;
    write_to(to, Writing::same_thread,
             [&](Output& output) { dump_c(sizes.btf(), sizes.sizes(), ids, sorted, output, fidelity); });
}

// Returns the text that `write(declarations, id)` writes for one type.
template <class Write>
py::bytes text_of_type(const BtfSizes& sizes, std::int64_t type_id, CDeclarations::Style style, Write write) {
    const std::uint32_t id = sizes.btf().check_id(type_id);
    std::string text;
    Output output(
        [&text](const Output::Buffer& buffer, std::size_t size) { text.append(buffer.get(), size); });
    CLimits limits(sizes.btf());
    CNames names(sizes.btf(), limits, CNames::Conflicts::ignored);
    CDeclarations declarations(sizes.btf(), sizes.sizes(), names, limits, output,
                               CDeclarations::Fidelity::layout, style);
    write(declarations, id);
    output.flush();
    return text;
}

py::bytes declaration(const BtfSizes& sizes, std::int64_t type_id) {
    return text_of_type(sizes, type_id, CDeclarations::Style::whole,
                        [](CDeclarations& declarations, std::uint32_t id) { declarations.define(id); });
}

py::bytes type_name(const BtfSizes& sizes, std::int64_t type_id) {
    return text_of_type(sizes, type_id, CDeclarations::Style::cast,
                        [](CDeclarations& declarations, std::uint32_t id) { declarations.declare(id, ""); });
}

}  // namespace

void register_dump(py::module_& module) {
    module.def("dump_raw", raw, py::arg("btf"), py::arg("roots"), py::arg("to"),
               "Write types as bpftool's text, to a file descriptor or in pieces of bytes to a callable.");
    module.def("dump_json", json, py::arg("btf"), py::arg("roots"), py::arg("pretty"), py::arg("to"),
               "Write types as bpftool's JSON, to a file descriptor or in pieces of bytes to a callable.");
    module.def(
        "dump_c", c, py::arg("sizes"), py::arg("roots"), py::arg("sort"), py::arg("to"),
        py::arg("as_laid_out") = false,
        "Write types as a C header, to a file descriptor or in pieces of bytes to a callable: the text of "
        "bpftool or, with as_laid_out, a text that preserves the layout of the BTF.");
    module.def("c_declaration", declaration, py::arg("sizes"), py::arg("type_id"),
               "Return one type as C, without the semicolon.");
    module.def(
        "c_type_name", type_name, py::arg("sizes"), py::arg("type_id"),
        "Return the name of a type as in a cast: without qualifiers; for an anonymous type, the keyword.");
}

}  // namespace btfmmap::bindings
