#include "core/kernel_rules/names.hpp"

#include <algorithm>
#include <array>

#include "core/kernel_rules/limits.hpp"

namespace btfmmap::kernel_rules {

namespace {

constexpr std::uint8_t kFirst = 1, kLater = 2, kPrintable = 4;

// lib/ctype.c: the letters of Latin-1 are the bytes from 0xc0 on, except the signs of multiplication and
// division; its printable characters are those from 0xa0 on. An identifier may also have '_' and '.'.
constexpr std::array<std::uint8_t, 256> classes() {
    std::array<std::uint8_t, 256> result{};
    for (unsigned byte = 0; byte != 256; ++byte) {
        const bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                            (byte >= 0xc0 && byte != 0xd7 && byte != 0xf7);
        const bool digit = byte >= '0' && byte <= '9';
        const bool joins = byte == '_' || byte == '.';
        const bool printable = (byte >= 0x20 && byte <= 0x7e) || byte >= 0xa0;
        result[byte] =
            static_cast<std::uint8_t>((letter || joins ? kFirst : 0) |
                                      (letter || joins || digit ? kLater : 0) | (printable ? kPrintable : 0));
    }
    return result;
}

constexpr std::array<std::uint8_t, 256> kClasses = classes();

// Whether a name's characters are of a class up to its NUL, at most kMaxName. The section ends with a NUL;
// if it does not, which is reported elsewhere, its end counts as one.
bool all_of_class(Bytes name, std::uint8_t wanted) {
    const std::size_t limit = std::min(name.size, kMaxName);
    for (std::size_t at = 0; at != limit; ++at) {
        if (name.data[at] == std::byte{0}) {
            return true;
        }
        if ((kClasses[static_cast<std::uint8_t>(name.data[at])] & wanted) == 0) {
            return false;
        }
    }
    return limit == name.size || name.data[limit] == std::byte{0};
}

bool starts_with_class(Bytes name, std::uint8_t wanted) {
    return name.size != 0 && (kClasses[static_cast<std::uint8_t>(name.data[0])] & wanted) != 0;
}

}  // namespace

NameCheck::NameCheck(const Strings& strings, const KnownIdentifiers& identifiers)
    : strings_(strings),
      end_(static_cast<std::uint32_t>(std::min<std::uint64_t>(strings.end(), kMaxNameOffset + 1))),
      identifiers_(identifiers) {}

bool NameCheck::empty(std::uint32_t offset) const {
    const Bytes name = strings_.rest(offset);
    return name.size == 0 || name.data[0] == std::byte{0};
}

bool NameCheck::section(std::uint32_t offset) const {
    const Bytes name = strings_.rest(offset);
    return starts_with_class(name, kPrintable) && all_of_class(name, kPrintable);
}

bool NameCheck::is_identifier(std::uint32_t offset) {
    if (offset < accepted_.size() && accepted_[offset]) {
        return true;
    }
    const Bytes name = strings_.rest(offset);
    if (!starts_with_class(name, kFirst) || !all_of_class(name, kLater)) {
        return false;
    }
    accepted_.resize(end_);
    accepted_[offset] = true;
    return true;
}

}  // namespace btfmmap::kernel_rules
