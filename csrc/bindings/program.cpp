#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bindings/integers.hpp"
#include "bindings/register.hpp"
#include "bindings/text.hpp"
#include "bindings/view.hpp"
#include "core/program/flow.hpp"
#include "core/program/object.hpp"
#include "core/program/reachability.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

using program::Object;
using std::uint32_t;
using std::uint64_t;
using std::uint8_t;

// An object with its control flow.
struct Programs {
    explicit Programs(const File& file) : object(file), flow(object) {}

    Object object;
    program::Flow flow;
};

py::list functions(const Programs& programs) {
    py::list list;
    for (const program::Function& function : programs.object.functions()) {
        const program::CodeSection& section = programs.object.sections()[function.section];
        const uint64_t size = uint64_t{function.end - function.first} * program::kInstructionSize;
        const uint64_t offset = uint64_t{function.first - section.first} * program::kInstructionSize;
        list.append(py::make_tuple(to_str(section.name), to_str(function.name), offset, size, function.global,
                                   function.program));
    }
    return list;
}

py::list externals(const Programs& programs) {
    py::list list;
    for (const program::External& external : programs.object.externals()) {
        list.append(py::make_tuple(to_str(external.name), external.weak));
    }
    return list;
}

// Returns the calls of external functions: the number of the external symbol, and of the instruction.
py::list calls(const Programs& programs) {
    py::list list;
    for (const program::Reference& reference : programs.object.references()) {
        const bool call =
            programs.object.code()[reference.instruction].code == program::opcode::kCallFunction;
        if (call && reference.kind == program::Reference::Kind::external) {
            list.append(py::make_tuple(reference.index, reference.instruction));
        }
    }
    return list;
}

// Returns the number of each instruction; kNone where there is none.
View positions(const Programs& programs, const std::vector<py::str>& sections, const py::object& offsets) {
    const std::vector<std::int64_t> bytes = to_integers(offsets);
    if (bytes.size() != sections.size()) {
        throw py::value_error(std::to_string(sections.size()) + " sections and " +
                              std::to_string(bytes.size()) + " offsets");
    }
    std::vector<uint32_t> numbers(bytes.size());
    for (std::size_t i = 0; i != bytes.size(); ++i) {
        numbers[i] = programs.object.at(to_bytes(sections[i]), static_cast<uint64_t>(bytes[i]));
    }
    return view_of(std::move(numbers), "I");
}

// Copies a one-dimensional buffer of 64-bit integers in native byte order.
std::vector<uint64_t> to_words(const py::buffer& buffer) {
    const py::buffer_info info = buffer.request();
    if (info.ndim != 1 || info.itemsize != sizeof(uint64_t)) {
        throw py::type_error("values must be an array of 64-bit integers");
    }
    std::vector<uint64_t> words(static_cast<std::size_t>(info.shape[0]));
    const auto* at = static_cast<const std::byte*>(info.ptr);
    for (std::size_t i = 0; i != words.size(); ++i) {
        std::memcpy(&words[i], at + static_cast<py::ssize_t>(i) * info.strides[0], sizeof words[i]);
    }
    return words;
}

// Converts numbers to the items of an enumeration whose last one is `last`.
template <class Enum>
std::vector<Enum> to_enum(const py::object& source, Enum last) {
    std::vector<Enum> items;
    for (const std::int64_t number : to_integers(source)) {
        if (number < 0 || number > static_cast<std::int64_t>(last)) {
            throw py::value_error("status " + std::to_string(number) + ", must be 0 to " +
                                  std::to_string(static_cast<int>(last)));
        }
        items.push_back(static_cast<Enum>(number));
    }
    return items;
}

void check_length(std::size_t length, std::size_t expected, const char* what) {
    if (length != expected) {
        throw py::value_error(std::to_string(length) + " " + what + ", must be " + std::to_string(expected));
    }
}

View reachability(const Programs& programs, const py::object& instructions, const py::object& statuses,
                  const py::buffer& values, const py::object& external_statuses,
                  const py::buffer& external_values, bool every, bool past_poison) {
    using program::Relocated;
    using program::Resolved;
    const std::vector<std::int64_t> numbers = to_integers(instructions);
    const auto states = to_enum(statuses, Relocated::Status::unknown);
    const std::vector<uint64_t> words = to_words(values);
    check_length(states.size(), numbers.size(), "statuses");
    check_length(words.size(), numbers.size(), "values");
    const auto external_states = to_enum(external_statuses, Resolved::Status::present);
    const std::vector<uint64_t> external_words = to_words(external_values);
    check_length(external_states.size(), programs.object.externals().size(), "statuses of externals");
    check_length(external_words.size(), external_states.size(), "values of externals");

    const py::gil_scoped_release unlocked;
    std::vector<Relocated> relocated(numbers.size());
    for (std::size_t i = 0; i != numbers.size(); ++i) {
        const bool exists = numbers[i] >= 0 && numbers[i] < program::kNone;
        relocated[i] = {exists ? static_cast<uint32_t>(numbers[i]) : program::kNone, states[i], words[i]};
    }
    std::vector<Resolved> resolved(external_states.size());
    for (std::size_t i = 0; i != resolved.size(); ++i) {
        resolved[i] = {external_states[i], external_words[i]};
    }
    const auto reached =
        program::reachability(programs.object, programs.flow, relocated, resolved, {every, past_poison});
    std::vector<uint8_t> result(reached.size());
    std::transform(reached.begin(), reached.end(), result.begin(),
                   [](program::Reach reach) { return static_cast<uint8_t>(reach); });
    return view_of(std::move(result), "B");
}

}  // namespace

void register_program(py::module_& module) {
    py::class_<Programs>(module, "Programs", "The programs of a BPF object, and what can be reached in them.")
        .def(py::init<const File&>(), py::arg("file"), py::call_guard<py::gil_scoped_release>())
        .def_property_readonly("byte_order",
                               [](const Programs& programs) {
                                   return programs.object.byte_order() == ByteOrder::little ? "little"
                                                                                            : "big";
                               })
        .def("functions", functions)
        .def("externals", externals)
        .def("calls", calls)
        .def("positions", positions, py::arg("sections"), py::arg("offsets"))
        .def("reachability", reachability, py::arg("instructions"), py::arg("statuses"), py::arg("values"),
             py::arg("external_statuses"), py::arg("external_values"), py::arg("every"),
             py::arg("past_poison"));
}

}  // namespace btfmmap::bindings
