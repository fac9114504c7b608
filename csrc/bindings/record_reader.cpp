#include "bindings/record_reader.hpp"

#include <pybind11/numpy.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string_view>
#include <utility>

#include "bindings/register.hpp"
#include "bindings/text.hpp"
#include "core/decode/float.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

// Number of values after which signals are handled.
constexpr std::size_t kValuesPerCheck = std::size_t{1} << 16;

py::object owned(PyObject* made) {
    if (made == nullptr) {
        throw py::error_already_set();
    }
    return py::reinterpret_steal<py::object>(made);
}

// Returns a list of None. Signal handlers and the garbage collector may see it before it is filled.
py::object new_list(std::size_t size) {
    if (size > static_cast<std::size_t>(PY_SSIZE_T_MAX)) {
        throw std::bad_alloc();
    }
    py::object list = owned(PyList_New(static_cast<py::ssize_t>(size)));
    for (std::size_t i = 0; i != size; ++i) {
        PyList_SET_ITEM(list.ptr(), static_cast<py::ssize_t>(i), py::none().release().ptr());
    }
    return list;
}

void set_item(const py::object& list, std::size_t number, py::object value) {
    if (PyList_SetItem(list.ptr(), static_cast<py::ssize_t>(number), value.release().ptr()) != 0) {
        throw py::error_already_set();
    }
}

// Converts records whose numbers are stored in one byte order.
template <class Load>
class Conversions {
public:
    // Returns a record as a dict.
    py::object record(const RecordPlan& plan, const std::byte* at) {
        begin_record(plan, at);
        py::object finished;  // the value of the last frame, for the one below it
        for (;;) {
            Frame& frame = frames_.back();
            const bool more =
                frame.record != nullptr ? continue_record(frame, finished) : continue_list(frame, finished);
            if (!more) {
                finished = std::move(frames_.back().made);
                frames_.pop_back();
                if (frames_.empty()) {
                    return finished;
                }
            }
        }
    }

private:
    // A dict or list that is being filled. Frames are on the heap: types nest deeper than stacks of threads.
    struct Frame {
        const RecordPlan* record;  // nullptr for a list
        const MemberPlan* member;  // the next one of a record; the array that a list belongs to
        const std::byte* at;
        std::size_t dimension;  // of a list
        std::size_t number;     // of a list's next item
        py::object made;
    };

    void count_values(std::size_t count) {
        values_ += count;
        if (values_ >= kValuesPerCheck) {
            values_ = 0;
            if (PyErr_CheckSignals() != 0) {
                throw py::error_already_set();
            }
        }
    }

    void begin_record(const RecordPlan& plan, const std::byte* at) {
        count_values(plan.members.size() + 1);
        frames_.push_back({&plan, plan.members.data(), at, 0, 0, owned(PyDict_Copy(plan.empty.ptr()))});
    }

    void begin_list(const MemberPlan& member, std::size_t dimension, const std::byte* at) {
        const std::size_t count = member.dimensions[dimension].count;
        count_values(count + 1);
        frames_.push_back({nullptr, &member, at, dimension, 0, new_list(count)});
    }

    static void set_member(const Frame& frame, const py::object& value) {
        if (PyDict_SetItem(frame.made.ptr(), frame.member->key.ptr(), value.ptr()) != 0) {
            throw py::error_already_set();
        }
    }

    // Fills a dict. Returns true if it has begun another frame, false if the dict is complete.
    bool continue_record(Frame& frame, py::object& finished) {
        if (finished) {
            set_member(frame, finished);
            finished = py::object();
            ++frame.member;
        }
        const MemberPlan* const end = frame.record->members.data() + frame.record->members.size();
        for (; frame.member != end; ++frame.member) {
            const MemberPlan& member = *frame.member;
            const std::byte* at = frame.at + member.offset;
            if (member.conversion == Conversion::record) {
                member.dimensions.empty() ? begin_record(*member.record, at) : begin_list(member, 0, at);
                return true;
            }
            set_member(frame, member.dimensions.empty() ? value(member, at) : list(member, 0, at));
        }
        return false;
    }

    // Likewise, fills a list of records, or of lists of records.
    bool continue_list(Frame& frame, py::object& finished) {
        if (finished) {
            set_item(frame.made, frame.number++, std::move(finished));
            finished = py::object();
        }
        const MemberPlan::Dimension& dimension = frame.member->dimensions[frame.dimension];
        if (frame.number == dimension.count) {
            return false;
        }
        const std::byte* at = frame.at + frame.number * dimension.stride;
        frame.dimension + 1 == frame.member->dimensions.size()
            ? begin_record(*frame.member->record, at)
            : begin_list(*frame.member, frame.dimension + 1, at);
        return true;
    }

    // Returns an array of anything but records. The depth is that of the array's dimensions.
    py::object list(const MemberPlan& member, std::size_t level, const std::byte* at) {
        const MemberPlan::Dimension& dimension = member.dimensions[level];
        const bool innermost = level + 1 == member.dimensions.size();
        py::object made = new_list(dimension.count);
        for (std::size_t i = 0; i != dimension.count; ++i) {
            const std::byte* each = at + i * dimension.stride;
            count_values(1);
            set_item(made, i, innermost ? value(member, each) : list(member, level + 1, each));
        }
        return made;
    }

    py::object value(const MemberPlan& member, const std::byte* at) {
        switch (member.conversion) {
            case Conversion::unsigned_integer:
                return named(member, owned(unsigned_integer(at, member.size)));
            case Conversion::signed_integer:
                return named(member, owned(signed_integer(at, member.size)));
            case Conversion::bitfield:
                return named(member, owned(bitfield(member.bitfield, at)));
            case Conversion::boolean_bitfield:
                return py::bool_(member.bitfield.read(at) != 0);
            case Conversion::boolean:
                return py::bool_(*at != std::byte{0});
            case Conversion::floating:
                return owned(PyFloat_FromDouble(floating(at, member.size)));
            case Conversion::bytes:
                return py::bytes(reinterpret_cast<const char*>(at), member.size);
            case Conversion::chars:
                return chars(at, member.size);
            case Conversion::text:
                return text(at, member.size);
            default:
                throw py::type_error(member.error);
        }
    }

    static PyObject* unsigned_integer(const std::byte* at, std::size_t size) {
        switch (size) {
            case 1:
                return PyLong_FromLong(static_cast<long>(*at));
            case 2:
                return PyLong_FromLong(Load::u16(at));
            case 4:
                return PyLong_FromUnsignedLong(Load::u32(at));
            default:
                return PyLong_FromUnsignedLongLong(Load::u64(at));
        }
    }

    static PyObject* signed_integer(const std::byte* at, std::size_t size) {
        switch (size) {
            case 1:
                return PyLong_FromLong(static_cast<std::int8_t>(*at));
            case 2:
                return PyLong_FromLong(static_cast<std::int16_t>(Load::u16(at)));
            case 4:
                return PyLong_FromLong(static_cast<std::int32_t>(Load::u32(at)));
            default:
                return PyLong_FromLongLong(static_cast<std::int64_t>(Load::u64(at)));
        }
    }

    static PyObject* bitfield(const Bitfield& field, const std::byte* at) {
        const std::uint64_t value = field.read(at);
        return field.is_signed() ? PyLong_FromLongLong(static_cast<std::int64_t>(value))
                                 : PyLong_FromUnsignedLongLong(value);
    }

    static double floating(const std::byte* at, std::size_t size) {
        switch (size) {
            case 2:
                return half_float(Load::u16(at));
            case 4:
                return single_float(Load::u32(at));
            default:
                return double_float(Load::u64(at));
        }
    }

    static py::object chars(const std::byte* at, std::size_t size) {
        while (size != 0 && at[size - 1] == std::byte{0}) {
            --size;
        }
        return py::bytes(reinterpret_cast<const char*>(at), size);
    }

    static py::object text(const std::byte* at, std::size_t size) {
        const void* end = std::memchr(at, 0, size);
        if (end != nullptr) {
            size = static_cast<std::size_t>(static_cast<const std::byte*>(end) - at);
        }
        return to_str({reinterpret_cast<const char*>(at), size});
    }

    // Returns the name of an enum's value, or its decimal text if it has none; other numbers as they are.
    static py::object named(const MemberPlan& member, py::object number) {
        if (!member.names) {
            return number;
        }
        PyObject* name = PyDict_GetItemWithError(member.names.ptr(), number.ptr());
        if (name != nullptr) {
            return py::reinterpret_borrow<py::object>(name);
        }
        if (PyErr_Occurred() != nullptr) {
            throw py::error_already_set();
        }
        return owned(PyObject_Str(number.ptr()));
    }

    std::vector<Frame> frames_;
    std::size_t values_ = 0;
};

// Returns the records along one axis of an array and those after it, as nested lists. An array has at most 64
// axes.
template <class Load>
py::object read_axis(Conversions<Load>& conversions, const RecordPlan& plan, const py::array& records,
                     py::ssize_t axis, const std::byte* at) {
    if (axis == records.ndim()) {
        return conversions.record(plan, at);
    }
    const auto count = static_cast<std::size_t>(records.shape(axis));
    py::object made = new_list(count);
    for (std::size_t i = 0; i != count; ++i) {
        set_item(made, i,
                 read_axis(conversions, plan, records, axis + 1,
                           at + static_cast<py::ssize_t>(i) * records.strides(axis)));
    }
    return made;
}

const std::pair<std::string_view, Conversion> kConversions[] = {
    {"unsigned", Conversion::unsigned_integer},
    {"signed", Conversion::signed_integer},
    {"bool", Conversion::boolean},
    {"float", Conversion::floating},
    {"bytes", Conversion::bytes},
    {"chars", Conversion::chars},
    {"text", Conversion::text},
    {"bitfield", Conversion::bitfield},
    {"signed bitfield", Conversion::bitfield},
    {"bool bitfield", Conversion::boolean_bitfield},
    {"record", Conversion::record},
    {"refused", Conversion::refused},
};

Conversion conversion_of(std::string_view name) {
    for (const auto& [each, conversion] : kConversions) {
        if (each == name) {
            return conversion;
        }
    }
    throw py::value_error("no conversion " + std::string(name));
}

bool is_bitfield(Conversion conversion) {
    return conversion == Conversion::bitfield || conversion == Conversion::boolean_bitfield;
}

[[noreturn]] void refuse(const MemberPlan& member) {
    throw py::value_error("member " + std::string(member.key) + " cannot be read");
}

}  // namespace

MemberPlan RecordReader::member_plan(const py::tuple& row, std::size_t record_size) const {
    const auto name = row[3].cast<std::string>();
    const Conversion conversion = conversion_of(name);
    const auto size = row[4].cast<std::size_t>();
    const auto shift = row[5].cast<unsigned>();
    const bool bits = is_bitfield(conversion);
    const bool known_bits = bits && shift < 8 && size >= 1 && size <= 64;
    MemberPlan member{row[0].cast<py::str>(),
                      conversion,
                      row[1].cast<std::size_t>(),
                      size,
                      {},
                      Bitfield(order_, known_bits ? shift : 0, known_bits ? static_cast<unsigned>(size) : 1,
                               name == "signed bitfield"),
                      nullptr,
                      {},
                      {}};
    bool valid = bits == known_bits;
    switch (conversion) {
        case Conversion::unsigned_integer:
        case Conversion::signed_integer:
            valid = valid && (size == 1 || size == 2 || size == 4 || size == 8);
            break;
        case Conversion::floating:
            valid = size == 2 || size == 4 || size == 8;
            break;
        case Conversion::boolean:
            valid = size == 1;
            break;
        case Conversion::bitfield:
        case Conversion::boolean_bitfield:
            member.size = member.bitfield.bytes();
            break;
        case Conversion::record:
            member.record = &records_.at(row[6].cast<std::size_t>());
            valid = member.record->size == size;
            break;
        case Conversion::refused:
            member.error = row[6].cast<std::string>();
            break;
        default:
            break;
    }
    if (conversion != Conversion::record && conversion != Conversion::refused && !row[6].is_none()) {
        member.names = row[6].cast<py::dict>();
    }
    // The strides, from the innermost dimension on. Without elements, none of them is used.
    const auto counts = row[2].cast<py::tuple>();
    member.dimensions.resize(counts.size());
    std::size_t extent = member.size;
    bool empty = false;
    for (std::size_t i = counts.size(); i-- != 0;) {
        const auto count = counts[i].cast<std::size_t>();
        member.dimensions[i] = {count, empty ? 0 : extent};
        empty = empty || count == 0;
        if (!empty && __builtin_mul_overflow(extent, count, &extent)) {
            valid = false;
        }
    }
    if (!valid || member.offset > record_size || (!empty && extent > record_size - member.offset)) {
        refuse(member);
    }
    return member;
}

RecordReader::RecordReader(bool big_endian, const py::list& records)
    : order_(big_endian ? ByteOrder::big : ByteOrder::little) {
    if (records.empty()) {
        throw py::value_error("no records");
    }
    records_.reserve(records.size());  // MemberPlan::record points into it
    for (const py::handle each : records) {
        const auto row = each.cast<py::tuple>();
        RecordPlan plan{row[0].cast<std::size_t>(), {}, {}};
        for (const py::handle member : row[1].cast<py::list>()) {
            plan.members.push_back(member_plan(member.cast<py::tuple>(), plan.size));
            plan.empty[plan.members.back().key] = py::none();
        }
        records_.push_back(std::move(plan));
    }
}

py::object RecordReader::read(const py::array& records) const {
    const RecordPlan& plan = records_.back();
    if (static_cast<std::size_t>(records.itemsize()) != plan.size) {
        throw py::value_error(std::to_string(records.itemsize()) + " bytes instead of " +
                              std::to_string(plan.size));
    }
    return with_byte_order(order_, [&](auto load) {
        Conversions<decltype(load)> conversions;
        return read_axis(conversions, plan, records, 0, static_cast<const std::byte*>(records.data()));
    });
}

void register_record_reader(py::module_& module) {
    py::class_<RecordReader>(module, "RecordReader", "Converts records to dicts.")
        .def(py::init<bool, const py::list&>(), py::arg("big_endian"), py::arg("records"))
        .def("read", &RecordReader::read, py::arg("records"));
}

}  // namespace btfmmap::bindings
