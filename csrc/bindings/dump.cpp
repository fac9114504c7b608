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

// Asks for signals before each write, which waits when nobody reads: one that came since the last would not
// wake it.
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

// A pipe that takes no whole piece makes each write wait for the reader: a dump takes twice as long. No harm
// where it is no pipe, or may not grow.
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

enum class Writing : bool { in_turn, behind };

// Hands on what `produce` writes, a piece at a time, to a file descriptor or to a Python callable; both may
// throw.
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
        writing = Writing::in_turn;  // the callable may be anything
    }
    const py::gil_scoped_release unlocked;
    if (writing == Writing::behind) {
        with_writer_thread(produce, sink);
    } else {
        Output output(sink);
        produce(output);
    }
}

void raw(const Btf& btf, const py::object& roots, const py::object& to) {
    const auto ids = to_integers(roots);
    write_to(to, Writing::behind, [&](Output& output) { dump_raw(btf, ids, output); });
}

void json(const Btf& btf, const py::object& roots, bool pretty, const py::object& to) {
    const auto ids = to_integers(roots);
    write_to(to, Writing::behind, [&](Output& output) { dump_json(btf, ids, pretty, output); });
}

// It makes a fifth of JSON's text in thrice the time: a thread gains nothing.
void c(const BtfSizes& sizes, const py::object& roots, bool sorted, const py::object& to, bool as_laid_out) {
    const auto ids = to_integers(roots);
    const auto fidelity = as_laid_out ? CDeclarations::Fidelity::layout : CDeclarations::Fidelity::libbpf;
    write_to(to, Writing::in_turn,
             [&](Output& output) { dump_c(sizes.btf(), sizes.sizes(), ids, sorted, output, fidelity); });
}

// What `write` writes of one type, which it gets with the id.
template <class Write>
py::bytes of_one_type(const BtfSizes& sizes, std::int64_t type_id, CDeclarations::Style style, Write write) {
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
    return of_one_type(sizes, type_id, CDeclarations::Style::whole,
                       [](CDeclarations& declarations, std::uint32_t id) { declarations.define(id); });
}

py::bytes type_name(const BtfSizes& sizes, std::int64_t type_id) {
    return of_one_type(sizes, type_id, CDeclarations::Style::cast,
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
        "Write types as a C header, to a file descriptor or in pieces of bytes to a callable: bpftool's, "
        "or what a compiler lays out as the BTF has it.");
    module.def("c_declaration", declaration, py::arg("sizes"), py::arg("type_id"),
               "One type as C, without its semicolon.");
    module.def("c_type_name", type_name, py::arg("sizes"), py::arg("type_id"),
               "What a cast to a type says: without qualifiers, and of types without a name the keyword.");
}

}  // namespace btfmmap::bindings
