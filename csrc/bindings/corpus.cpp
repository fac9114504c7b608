#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "bindings/held_buffer.hpp"
#include "bindings/integers.hpp"
#include "bindings/register.hpp"
#include "bindings/text.hpp"
#include "bindings/view.hpp"
#include "core/base/error.hpp"
#include "core/corpus/catalog.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

using corpus::Catalog;
using corpus::Entry;
using std::int64_t;
using std::size_t;
using std::uint32_t;

// pybind11 holds objects that are not const.
using EntryPtr = std::shared_ptr<Entry>;

EntryPtr add(Catalog& catalog, const std::shared_ptr<BtfSizes>& sizes, const EntryPtr& base) {
    const py::gil_scoped_release unlocked;
    return std::const_pointer_cast<Entry>(catalog.add(sizes, base));
}

std::vector<uint32_t> checked(const py::object& numbers, uint32_t end) {
    std::vector<uint32_t> found;
    for (const int64_t number : to_integers(numbers)) {
        if (number < 0 || number >= end) {
            throw Error::not_found("the catalog has no number " + std::to_string(number));
        }
        found.push_back(static_cast<uint32_t>(number));
    }
    return found;
}

// The bytes of names, one after the other, and where each starts; the last element is their size.
py::tuple names(const Catalog& catalog, const py::object& numbers) {
    std::vector<int64_t> starts{0};
    std::vector<char> bytes;
    for (const uint32_t number : checked(numbers, catalog.names())) {
        const auto name = catalog.name(number);
        bytes.insert(bytes.end(), name.begin(), name.end());
        starts.push_back(static_cast<int64_t>(bytes.size()));
    }
    return py::make_tuple(view_of(std::move(bytes), "B"), view_of(std::move(starts), "q"));
}

View references(const Catalog& catalog, const py::object& numbers) {
    return view_of(catalog.references(checked(numbers, catalog.records())), "I");
}

// The words of records, one after the other, and where each starts; the last element is their number.
py::tuple records(const Catalog& catalog, const py::object& numbers) {
    std::vector<int64_t> starts{0};
    std::vector<uint32_t> words;
    for (const uint32_t number : checked(numbers, catalog.records())) {
        const auto record = catalog.record(number);
        const size_t at = words.size();
        words.resize(at + record.size() / sizeof(uint32_t));
        std::memcpy(words.data() + at, record.data(), record.size());
        starts.push_back(static_cast<int64_t>(words.size()));
    }
    return py::make_tuple(view_of(std::move(words), "I"), view_of(std::move(starts), "q"));
}

View add_names(Catalog& catalog, const py::sequence& texts) {
    std::vector<uint32_t> numbers;
    for (const py::handle text : texts) {
        numbers.push_back(catalog.add_name(Text(text).view()));
    }
    return view_of(std::move(numbers), "I");
}

// Calls `visit(first, size)` with the items between each start and the next one, without the first slices.
template <class T, class Visit>
void each_slice(const py::handle& items, const py::handle& starts, size_t skipped, Visit visit) {
    const auto held = held_buffer(items);
    const auto* first = static_cast<const T*>(held->buf);
    const auto end = static_cast<int64_t>(static_cast<size_t>(held->len) / sizeof(T));
    int64_t at = -1;
    for (const int64_t next : to_integers(starts)) {
        if (next < at || next < 0 || next > end) {
            throw Error::invalid_argument("the starts do not ascend within the items");
        }
        if (at >= 0 && skipped != 0) {
            --skipped;
        } else if (at >= 0) {
            visit(first + at, static_cast<size_t>(next - at));
        }
        at = next;
    }
}

View add_records(Catalog& catalog, const py::object& words, const py::object& starts) {
    std::vector<uint32_t> numbers;
    each_slice<uint32_t>(words, starts, 0, [&](const uint32_t* first, size_t count) {
        numbers.push_back(catalog.add_record(first, count));
    });
    return view_of(std::move(numbers), "I");
}

// Adds all names and records of another catalog, as `names` and `records` return them, and returns their
// numbers here. The first ones may have been added before: `known` has what was returned then.
py::tuple merge(Catalog& catalog, const py::tuple& names, const py::tuple& records, const py::tuple& known) {
    std::vector<uint32_t> name_numbers = checked(known[0], catalog.names());
    std::vector<uint32_t> numbers = checked(known[1], catalog.records());
    each_slice<char>(
        py::object(names[0]), py::object(names[1]), name_numbers.size(),
        [&](const char* first, size_t size) { name_numbers.push_back(catalog.add_name({first, size})); });
    each_slice<uint32_t>(py::object(records[0]), py::object(records[1]), numbers.size(),
                         [&](const uint32_t* first, size_t count) {
                             numbers.push_back(catalog.add_record_of(first, count, name_numbers, numbers));
                         });
    return py::make_tuple(view_of(std::move(name_numbers), "I"), view_of(std::move(numbers), "I"));
}

// How many types of each kind a BTF has, without its base.
std::vector<size_t> kind_counts(const Entry& entry) {
    const Index& index = entry.sizes->btf().index();
    std::vector<size_t> counts(kMaxKinds);
    for (size_t row = 0; row != index.rows(); ++row) {
        ++counts[static_cast<size_t>(index.kind(row))];
    }
    return counts;
}

}  // namespace

void register_corpus(py::module_& module) {
    py::class_<Entry, EntryPtr>(module, "CorpusEntry", "A BTF of a catalog.")
        .def("kind_counts", kind_counts)
        .def("numbers", [](const EntryPtr& entry) {
            return View{entry, entry->numbers.data(), entry->numbers.size(), sizeof(uint32_t), "I"};
        });
    py::class_<Catalog>(module, "CorpusCatalog", "Types of many kernels, each stored once.")
        .def(py::init<>())
        .def("add", add, py::arg("sizes"), py::arg("base"))
        .def("add_names", add_names, py::arg("texts"))
        .def("add_records", add_records, py::arg("words"), py::arg("starts"))
        .def("bytes", &Catalog::bytes)
        .def("merge", merge, py::arg("names"), py::arg("records"), py::arg("known"))
        .def("name_count", &Catalog::names)
        .def("names", names, py::arg("numbers"))
        .def("records", records, py::arg("numbers"))
        .def("references", references, py::arg("numbers"))
        .def("size", &Catalog::records)
        .def(
            "unnamed",
            [](const Catalog& catalog, uint32_t first) { return view_of(catalog.unnamed(first), "I"); },
            py::arg("first"));
}

}  // namespace btfmmap::bindings
