#include <pybind11/numpy.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bindings/integers.hpp"
#include "bindings/register.hpp"
#include "core/analysis/btf_sizes.hpp"
#include "core/decode/bitfield.hpp"
#include "core/decode/value_type.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

// Below this number of values, releasing the GIL costs more than reading them.
constexpr py::ssize_t kManyValues = 1024;

// Calls `work(address, count, stride, number)` for the innermost rows of an array, without its last axis.
// `number` is that of the row's first item.
template <class Work>
void each_row(const py::array& array, Work work) {
    const auto axes = static_cast<std::size_t>(array.ndim() - 1);
    const auto* at = static_cast<const std::byte*>(array.data());
    if (axes == 0) {
        work(at, std::size_t{1}, std::ptrdiff_t{0}, std::size_t{0});
        return;
    }
    const auto count = static_cast<std::size_t>(array.shape(array.ndim() - 2));
    const std::ptrdiff_t stride = array.strides(array.ndim() - 2);
    std::vector<py::ssize_t> index(axes - 1);
    std::size_t number = 0;
    for (;;) {
        work(at, count, stride, number);
        number += count;
        std::size_t axis = axes - 1;
        for (;;) {
            if (axis == 0) {
                return;
            }
            --axis;
            const auto py_axis = static_cast<py::ssize_t>(axis);
            at += array.strides(py_axis);
            if (++index[axis] != array.shape(py_axis)) {
                break;
            }
            at -= index[axis] * array.strides(py_axis);
            index[axis] = 0;
        }
    }
}

template <class Stored, class Value>
py::array read_into(const py::array& bytes, const Bitfield& bitfield) {
    const std::vector<py::ssize_t> shape(bytes.shape(), bytes.shape() + bytes.ndim() - 1);
    py::array_t<Value> values(shape);
    auto* first = reinterpret_cast<Stored*>(values.mutable_data());
    const auto read = [&] {
        if (bytes.size() != 0) {
            each_row(bytes, [&](const std::byte* at, std::size_t count, std::ptrdiff_t stride,
                                std::size_t number) { bitfield.read(at, stride, count, first + number); });
        }
    };
    if (values.size() < kManyValues) {
        read();
    } else {
        const py::gil_scoped_release unlocked;
        read();
    }
    return std::move(values);
}

// Reads a bitfield from an array whose last axis has the bytes that it occupies.
py::array read_bitfield(const py::array& bytes, bool big_endian, unsigned shift, unsigned bits,
                        bool is_signed, bool is_bool) {
    if (shift > 7 || bits < 1 || bits > 64) {
        throw py::value_error("no bitfield of " + std::to_string(bits) + " bits at bit " +
                              std::to_string(shift));
    }
    const Bitfield bitfield(big_endian ? ByteOrder::big : ByteOrder::little, shift, bits, is_signed);
    const py::ssize_t last = bytes.ndim() - 1;
    if (last < 0 || bytes.itemsize() != 1 ||
        bytes.shape(last) != static_cast<py::ssize_t>(bitfield.bytes()) ||
        (bytes.shape(last) > 1 && bytes.strides(last) != 1)) {
        throw py::value_error("the last axis must have the " + std::to_string(bitfield.bytes()) +
                              " bytes of the bitfield");
    }
    return is_bool     ? read_into<bool, bool>(bytes, bitfield)
           : is_signed ? read_into<std::uint64_t, std::int64_t>(bytes, bitfield)
                       : read_into<std::uint64_t, std::uint64_t>(bytes, bitfield);
}

py::tuple to_tuple(const ValueType& value) {
    py::tuple dimensions(value.dimension_count);
    for (std::size_t i = 0; i != value.dimension_count; ++i) {
        const ValueType::Dimension& dimension = value.dimensions[i];
        dimensions[i] = py::make_tuple(dimension.count, dimension.element_size);
    }
    return py::make_tuple(value.id, static_cast<unsigned>(value.kind), value.size, value.encoding,
                          value.bit_offset, value.bits, value.is_signed, value.is_char, dimensions);
}

py::list value_types(const BtfSizes& sizes, const py::object& ids) {
    py::list found;
    for (const std::int64_t id : to_integers(ids)) {
        sizes.btf().check_id(id);
        found.append(to_tuple(value_type(sizes.btf(), sizes.sizes(), static_cast<std::uint32_t>(id))));
    }
    return found;
}

}  // namespace

void register_decode(py::module_& module) {
    module.def("read_bitfield", read_bitfield, py::arg("covering"), py::arg("big_endian"), py::arg("shift"),
               py::arg("bits"), py::arg("is_signed"), py::arg("is_bool"),
               "Return the values of a bitfield: an array of int64, uint64 or bool.");
    module.def(
        "value_types", value_types, py::arg("sizes"), py::arg("type_ids"),
        "Return how values of types are read: tuples of the ID below typedefs, qualifiers and arrays, its "
        "kind, size, encoding, bit offset, number of bits, whether it is signed, whether it is `char`, "
        "and a count and element size for each dimension.");
}

}  // namespace btfmmap::bindings
