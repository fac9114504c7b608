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

EntryPtr add(Catalog& catalog, const std::shared_ptr<BtfSizes>& sizes,
             const std::shared_ptr<Fingerprints>& fingerprints, const EntryPtr& base) {
    const py::gil_scoped_release unlocked;
    return std::const_pointer_cast<Entry>(catalog.add(*sizes, *fingerprints, base));
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

View add_records(Catalog& catalog, const py::object& words, const py::object& starts) {
    const auto held = held_buffer(words);
    const auto* first = static_cast<const uint32_t*>(held->buf);
    const auto end = static_cast<int64_t>(static_cast<size_t>(held->len) / sizeof(uint32_t));
    std::vector<uint32_t> numbers;
    int64_t at = -1;
    for (const int64_t next : to_integers(starts)) {
        if (next < at || next < 0 || next > end) {
            throw Error::invalid_argument("the starts of records do not ascend within the words");
        }
        if (at >= 0) {
            numbers.push_back(catalog.add_record(first + at, static_cast<size_t>(next - at)));
        }
        at = next;
    }
    return view_of(std::move(numbers), "I");
}

}  // namespace

void register_corpus(py::module_& module) {
    py::class_<Entry, EntryPtr>(module, "CorpusEntry", "A BTF of a catalog.")
        .def("numbers", [](const EntryPtr& entry) {
            return View{entry, entry->numbers.data(), entry->numbers.size(), sizeof(uint32_t), "I"};
        });
    py::class_<Catalog>(module, "CorpusCatalog", "Types of many kernels, each stored once.")
        .def(py::init<>())
        .def("add", add, py::arg("sizes"), py::arg("fingerprints"), py::arg("base"))
        .def("add_names", add_names, py::arg("texts"))
        .def("add_records", add_records, py::arg("words"), py::arg("starts"))
        .def("bytes", &Catalog::bytes)
        .def("names", names, py::arg("numbers"))
        .def("records", records, py::arg("numbers"))
        .def("references", references, py::arg("numbers"))
        .def("size", &Catalog::records);
}

}  // namespace btfmmap::bindings
