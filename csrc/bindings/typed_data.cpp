#include "core/dump/typed_data.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bindings/integers.hpp"
#include "bindings/register.hpp"
#include "bindings/signals.hpp"
#include "bindings/text.hpp"
#include "bindings/write_to.hpp"
#include "core/analysis/btf_sizes.hpp"
#include "core/dump/typed_records.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

// The bytes of an object, which cannot be resized while they are held.
class HeldBytes {
public:
    explicit HeldBytes(py::handle object) {
        if (PyObject_GetBuffer(object.ptr(), &buffer_, PyBUF_SIMPLE) != 0) {
            throw py::error_already_set();
        }
    }
    ~HeldBytes() { PyBuffer_Release(&buffer_); }
    HeldBytes(const HeldBytes&) = delete;
    HeldBytes& operator=(const HeldBytes&) = delete;

    Bytes get() const {
        return {static_cast<const std::byte*>(buffer_.buf), static_cast<std::size_t>(buffer_.len)};
    }

private:
    Py_buffer buffer_{};
};

// Releases the GIL while data of some size is formatted. For less, releasing it would take a part of the
// time, and another thread could keep it for milliseconds.
class UnlockedIfLong {
public:
    explicit UnlockedIfLong(Bytes data) {
        constexpr std::size_t long_size = 1 << 14;
        if (data.size >= long_size) {
            unlocked_.emplace();
        }
    }

private:
    std::optional<py::gil_scoped_release> unlocked_;
};

// The options as Python passes them. Their types are checked here and not by pybind11, whose message for a
// wrong one would contain the data.
struct Options {
    py::handle compact, skip_names, emit_zeroes, emit_strings, indent, indent_level;

    TypedDataOptions get() const {
        const std::int64_t level = to_integer(indent_level);
        if (level < 0 || level > kMaxIndentLevel) {
            throw py::value_error("indent_level is " + std::string(py::str(indent_level)) +
                                  ", must be 0 to " + std::to_string(kMaxIndentLevel));
        }
        return {is_true(compact),
                is_true(skip_names),
                is_true(emit_zeroes),
                is_true(emit_strings),
                std::string(Text(indent, "indent").view()),
                level};
    }

private:
    static constexpr std::int64_t kMaxIndentLevel = 1000;

    static bool is_true(py::handle object) {
        const int result = PyObject_IsTrue(object.ptr());
        if (result < 0) {
            throw py::error_already_set();
        }
        return result != 0;
    }
};

py::str format_data(const BtfSizes& sizes, std::int64_t type_id, py::handle data, py::handle compact,
                    py::handle skip_names, py::handle emit_zeroes, py::handle emit_strings, py::handle indent,
                    py::handle indent_level) {
    const Options options{compact, skip_names, emit_zeroes, emit_strings, indent, indent_level};
    const HeldBytes held(data);
    TypedData value(sizes.btf(), sizes.sizes(), sizes.btf().check_id(type_id), options.get(),
                    run_signal_handlers);
    std::string_view text;
    {
        const UnlockedIfLong unlocked(held.get());
        text = value.format(held.get());
    }
    return decoded(text.data(), text.size());
}

// The texts of some records.
struct Batch {
    static constexpr std::size_t kMaxText = 1 << 20;
    static constexpr std::size_t kMaxRecords = 1 << 14;

    std::string text;
    std::vector<std::size_t> ends;

    bool is_full() const { return text.size() >= kMaxText || ends.size() == kMaxRecords; }
};

py::list format_records(TypedRecords& records, Bytes data) {
    py::list texts;
    Batch batch;
    for (std::uint64_t number = 0; number != records.count();) {
        batch.text.clear();
        batch.ends.clear();
        {
            const UnlockedIfLong unlocked(data);
            for (; number != records.count() && !batch.is_full(); ++number) {
                batch.text += records.format(number);
                batch.ends.push_back(batch.text.size());
            }
        }
        std::size_t start = 0;
        for (const std::size_t end : batch.ends) {
            texts.append(decoded(batch.text.data() + start, end - start));
            start = end;
        }
    }
    return texts;
}

py::object format_each(const BtfSizes& sizes, std::int64_t type_id, py::handle data, py::handle size,
                       py::handle compact, py::handle skip_names, py::handle emit_zeroes,
                       py::handle emit_strings, py::handle indent, py::handle indent_level, py::handle end,
                       const py::object& to) {
    const Options options{compact, skip_names, emit_zeroes, emit_strings, indent, indent_level};
    const Text end_text(end, "end");
    const HeldBytes held(data);
    TypedData values(sizes.btf(), sizes.sizes(), sizes.btf().check_id(type_id), options.get(),
                     run_signal_handlers);
    TypedRecords records(values, held.get(), size.is_none() ? std::nullopt : std::optional(to_integer(size)));
    if (to.is_none()) {
        return format_records(records, held.get());
    }
    // A writer thread would save little: the text takes longer to make than to write. And signals are
    // handled by this thread, between records too.
    write_to(to, Writing::same_thread, [&](Output& output) { records.write(end_text.view(), output); });
    return py::none();
}

}  // namespace

void register_typed_data(py::module_& module) {
    module.def("format_data", format_data, py::arg("sizes"), py::arg("type_id"), py::arg("data"),
               py::arg("compact"), py::arg("skip_names"), py::arg("emit_zeroes"), py::arg("emit_strings"),
               py::arg("indent"), py::arg("indent_level"), "Return the bytes of a value as a C initializer.");
    module.def("format_each", format_each, py::arg("sizes"), py::arg("type_id"), py::arg("data"),
               py::arg("size"), py::arg("compact"), py::arg("skip_names"), py::arg("emit_zeroes"),
               py::arg("emit_strings"), py::arg("indent"), py::arg("indent_level"), py::arg("end"),
               py::arg("to"),
               "Format records that follow one another. Return a list of texts, or write them, each followed "
               "by `end`, to a file descriptor or in pieces of bytes to a callable.");
}

}  // namespace btfmmap::bindings
