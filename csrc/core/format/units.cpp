#include "core/format/units.hpp"

#include <algorithm>
#include <array>

#include "core/base/endian.hpp"
#include "core/format/header.hpp"
#include "core/format/wire_format.hpp"

namespace btfmmap {

namespace {

// Offsets of the header fields that locate a section.
struct SectionFields {
    std::size_t offset, size;
};
using Sections = std::array<SectionFields, 3>;

constexpr Sections kBtfSections{{{HeaderField::type_offset, HeaderField::type_size},
                                 {HeaderField::string_offset, HeaderField::string_size},
                                 {HeaderField::layout_offset, HeaderField::layout_size}}};
constexpr Sections kExtSections{{{ExtHeaderField::func_info_offset, ExtHeaderField::func_info_size},
                                 {ExtHeaderField::line_info_offset, ExtHeaderField::line_info_size},
                                 {ExtHeaderField::core_relo_offset, ExtHeaderField::core_relo_size}}};
// Both headers have the same minimum size, and their length field at the same offset.
static_assert(HeaderField::header_size == ExtHeaderField::header_size);
static_assert(kMinHeaderSize == kMinExtHeaderSize);

// Returns the end of the unit at the start of `bytes`; the end of `bytes` if the header is invalid.
template <class Load>
std::size_t end_of_unit(Bytes bytes, const Sections& sections, Load) {
    const std::uint64_t header_size = Load::u32(bytes.data + HeaderField::header_size);
    if (header_size < kMinHeaderSize || header_size > bytes.size) {
        return bytes.size;
    }
    std::uint64_t end = header_size;
    for (const SectionFields& fields : sections) {
        if (fields.size + sizeof(std::uint32_t) > header_size) {
            continue;  // a field added later, which this header lacks
        }
        const std::uint64_t size = Load::u32(bytes.data + fields.size);
        if (size != 0) {
            end = std::max(end, header_size + Load::u32(bytes.data + fields.offset) + size);
        }
    }
    return static_cast<std::size_t>(std::min<std::uint64_t>(end, bytes.size));
}

std::size_t end_of_unit(Bytes bytes, const Sections& sections) {
    if (bytes.size < kMinHeaderSize) {
        return bytes.size;
    }
    return with_byte_order(magic_byte_order(bytes).value_or(ByteOrder::big),
                           [&](auto load) { return end_of_unit(bytes, sections, load); });
}

// Returns the start of the next unit after the one that ends at `end`; the end of `bytes` if there is none.
std::size_t next_unit(Bytes bytes, std::size_t end) {
    const std::byte* bytes_end = bytes.data + bytes.size;
    const std::byte* at =
        std::find_if(bytes.data + end, bytes_end, [](std::byte byte) { return byte != std::byte{0}; });
    const auto start = static_cast<std::size_t>(at - bytes.data);
    return magic_byte_order(bytes.from(start)) ? start : bytes.size;
}

}  // namespace

Unit find_unit(Bytes all, std::size_t wanted, UnitKind kind) {
    const Sections& sections = kind == UnitKind::btf ? kBtfSections : kExtSections;
    Unit found;
    std::size_t start = 0;
    do {
        const Bytes rest = all.slice(start, all.size - start);
        const std::size_t end = end_of_unit(rest, sections);
        const std::size_t next = next_unit(rest, end);
        if (found.count == wanted) {
            found.offset = start;
            found.size = next == rest.size ? rest.size : end;
        }
        start += next;
        ++found.count;
    } while (start != all.size);
    return found;
}

}  // namespace btfmmap
