#include "bindings/texts.hpp"

#include "bindings/text.hpp"
#include "core/base/seeded_hash.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

// Neighbouring strings are usually requested together, and get neighbouring slots. A block of kBlock
// addresses shares one hash, so its strings are near the same slot.
constexpr std::uintptr_t kBlock = 256, kBytesPerSlot = 8;

}  // namespace

Texts::Texts(std::size_t count) : distinct_(1) {
    unsigned bits = 3;
    while (std::uint64_t{1} << bits < std::uint64_t{count} * 2) {
        ++bits;
    }
    shift_ = 64 - bits;
    slots_.resize(std::size_t{1} << bits);
    indices_.reserve(count);
    distinct_.reserve(count + 1);
}

void Texts::add(Bytes start) {
    const auto* text = reinterpret_cast<const char*>(start.data);
    if (*text == '\0') {
        indices_.push_back(0);
        return;
    }
    const std::size_t mask = slots_.size() - 1;
    const auto address = reinterpret_cast<std::uintptr_t>(text);
    const auto first = static_cast<std::size_t>(seeded_hash(address / kBlock) >> shift_);
    std::size_t slot = (first + address % kBlock / kBytesPerSlot) & mask;
    while (slots_[slot] != 0) {
        const std::uint32_t index = slots_[slot];
        if (distinct_[index].data() == text) {
            indices_.push_back(index);
            return;
        }
        slot = (slot + 1) & mask;
    }
    const std::string_view measured = limit_.measure(start);
    indices_.push_back(static_cast<std::uint32_t>(distinct_.size()));
    slots_[slot] = static_cast<std::uint32_t>(distinct_.size());
    distinct_.push_back(measured);
}

py::list list_of(const std::vector<py::str>& strings, const std::vector<std::uint32_t>& indices) {
    py::list all(indices.size());
    for (std::size_t i = 0; i != indices.size(); ++i) {
        PyList_SET_ITEM(all.ptr(), static_cast<py::ssize_t>(i), strings[indices[i]].inc_ref().ptr());
    }
    return all;
}

py::list Texts::list() const {
    std::vector<py::str> made;
    made.reserve(distinct_.size());
    for (const std::string_view text : distinct_) {
        made.push_back(to_str(text));
    }
    return list_of(made, indices_);
}

}  // namespace btfmmap::bindings
