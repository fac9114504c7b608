#include "bindings/texts.hpp"

#include <cstring>
#include <random>
#include <string>

#include "bindings/text.hpp"
#include "core/base/error.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

// Whoever made the file chose the addresses' distances, but cannot know the seed: none collide on purpose.
std::uint64_t hash(std::uintptr_t block) {
    static const std::uint64_t seed = std::uint64_t{std::random_device()()} << 32 | std::random_device()();
    std::uint64_t bits = block ^ seed;
    bits = (bits ^ bits >> 32) * 0x9e3779b97f4a7c15;
    bits = (bits ^ bits >> 29) * 0xbf58476d1ce4e5b9;
    return bits;
}

// Strings that lie together, which mostly are asked for together, have slots together. A block has kBlock
// addresses, so that many may crowd around its first slot.
constexpr std::uintptr_t kBlock = 256, kBytesPerSlot = 8;

}  // namespace

Texts::Texts(std::size_t count) : different_(1) {
    unsigned bits = 3;
    while (std::uint64_t{1} << bits < std::uint64_t{count} * 2) {
        ++bits;
    }
    shift_ = 64 - bits;
    slots_.resize(std::size_t{1} << bits);
    which_.reserve(count);
    different_.reserve(count + 1);
}

void Texts::add(Bytes start) {
    const auto* text = reinterpret_cast<const char*>(start.data);
    if (*text == '\0') {
        which_.push_back(0);
        return;
    }
    const std::size_t mask = slots_.size() - 1;
    const auto address = reinterpret_cast<std::uintptr_t>(text);
    const auto first = static_cast<std::size_t>(hash(address / kBlock) >> shift_);
    std::size_t slot = (first + address % kBlock / kBytesPerSlot) & mask;
    while (slots_[slot] != 0) {
        const std::uint32_t index = slots_[slot];
        if (different_[index].data() == text) {
            which_.push_back(index);
            return;
        }
        slot = (slot + 1) & mask;
    }
    const std::string_view measured(text, ::strnlen(text, start.size));
    size_ += measured.size();
    if (size_ > kMostText) {
        throw Error::not_supported("more than 1 GiB of text (" + std::to_string(different_.size()) +
                                   " different strings have " + std::to_string(size_) +
                                   " bytes): ask for fewer at a time");
    }
    which_.push_back(static_cast<std::uint32_t>(different_.size()));
    slots_[slot] = static_cast<std::uint32_t>(different_.size());
    different_.push_back(measured);
}

py::list Texts::list() const {
    std::vector<py::str> made;
    made.reserve(different_.size());
    for (const std::string_view text : different_) {
        made.push_back(to_str(text));
    }
    py::list all(which_.size());
    for (std::size_t i = 0; i != which_.size(); ++i) {
        PyList_SET_ITEM(all.ptr(), static_cast<py::ssize_t>(i), made[which_[i]].inc_ref().ptr());
    }
    return all;
}

}  // namespace btfmmap::bindings
