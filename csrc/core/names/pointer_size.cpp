#include "core/names/pointer_size.hpp"

#include <algorithm>
#include <string_view>

namespace btfmmap {

namespace {

// The spellings of long that libbpf's determine_ptr_size accepts.
constexpr std::string_view kLongSpellings[] = {
    "long",
    "long int",
    "int long",
    "unsigned long",
    "long unsigned",
    "unsigned long int",
    "unsigned int long",
    "long unsigned int",
    "long int unsigned",
    "int unsigned long",
    "int long unsigned",
};

}  // namespace

std::uint32_t size_of_long(const Index& index, const Strings& strings) {
    for (std::size_t row = index.first_record(); row != index.rows(); ++row) {
        if (index.kind(row) != Kind::Int) {
            continue;
        }
        const std::uint32_t size = index.load(index.record(row) + HeadField::size_or_type);
        const std::uint32_t name_off = index.name_off(row);
        // The bytes may not have been validated, or may have changed since.
        if ((size != 4 && size != 8) || name_off >= strings.end()) {
            continue;
        }
        // Compares without measuring the name first: a hostile file can give each of a million INTs a name of
        // megabytes.
        if (std::any_of(std::begin(kLongSpellings), std::end(kLongSpellings),
                        [&](std::string_view name) { return strings.equals(name_off, name); })) {
            return size;
        }
    }
    return 0;
}

}  // namespace btfmmap
