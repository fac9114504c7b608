#include "core/format/header.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>

#include "core/base/error.hpp"
#include "core/format/wire_format.hpp"

namespace btfmmap {

namespace {

ByteOrder byte_order(Bytes blob) {
    if (blob.size < kMinHeaderSize) {
        throw Error::format("too short for BTF: " + std::to_string(blob.size) + " bytes, a header has " +
                            std::to_string(kMinHeaderSize));
    }
    if (const auto order = magic_byte_order(blob)) {
        return *order;
    }
    const std::byte* magic = blob.data + HeaderField::magic;
    char found[64];
    std::snprintf(found, sizeof found, "not BTF: starts with bytes %02x %02x, not 9f eb or eb 9f",
                  static_cast<unsigned>(magic[0]), static_cast<unsigned>(magic[1]));
    throw Error::format(found, HeaderField::magic);
}

std::string span(const char* name, std::uint64_t offset, std::uint64_t size) {
    return std::string(name) + " section (offset " + std::to_string(offset) + ", " + std::to_string(size) +
           " bytes)";
}

template <class Load>
Header load_fields(Bytes blob, Load) {
    // The newest fields are zero if the header ends before them.
    std::byte fields[kMaxHeaderSize] = {};
    const std::uint32_t header_size = Load::u32(blob.data + HeaderField::header_size);
    if (header_size < kMinHeaderSize || header_size > blob.size) {
        throw Error::format("header length is " + std::to_string(header_size) + ", must be " +
                                std::to_string(kMinHeaderSize) + " to the file's " +
                                std::to_string(blob.size) + " bytes",
                            HeaderField::header_size);
    }
    std::memcpy(fields, blob.data, std::min(header_size, kMaxHeaderSize));

    Header header{};
    header.version = static_cast<std::uint8_t>(fields[HeaderField::version]);
    header.flags = static_cast<std::uint8_t>(fields[HeaderField::flags]);
    header.size = header_size;
    header.type_offset = Load::u32(fields + HeaderField::type_offset);
    header.type_size = Load::u32(fields + HeaderField::type_size);
    header.string_offset = Load::u32(fields + HeaderField::string_offset);
    header.string_size = Load::u32(fields + HeaderField::string_size);
    header.layout_offset = Load::u32(fields + HeaderField::layout_offset);
    header.layout_size = Load::u32(fields + HeaderField::layout_size);
    return header;
}

void check_sections(const Header& header, Bytes blob) {
    if (header.version != kVersion) {
        throw Error::format("BTF version " + std::to_string(header.version) + "; only version " +
                                std::to_string(kVersion) + " is known",
                            HeaderField::version);
    }
    const std::string types = span("type", header.type_offset, header.type_size);
    const std::string strings = span("string", header.string_offset, header.string_size);
    const std::uint64_t types_end = header.type_offset + header.type_size;

    if (header.string_start() + header.string_size > blob.size) {
        throw Error::format(strings + " ends past the file's " + std::to_string(blob.size) + " bytes",
                            HeaderField::string_offset);
    }
    if (types_end > header.string_offset) {
        throw Error::format(types + " overlaps the " + strings, HeaderField::type_offset);
    }
    if (header.type_offset % 4 != 0) {
        throw Error::format(types + " is not aligned to 4 bytes", HeaderField::type_offset);
    }
    if (header.layout_size != 0) {
        const std::string layout = span("layout", header.layout_offset, header.layout_size);
        if (header.layout_offset % 4 != 0 || header.layout_size % 4 != 0) {
            throw Error::format(layout + " is not a multiple of 4 bytes", HeaderField::layout_offset);
        }
        if (header.layout_offset < types_end ||
            header.layout_offset + header.layout_size > header.string_offset) {
            throw Error::format(layout + " does not lie between the " + types + " and the " + strings,
                                HeaderField::layout_offset);
        }
    }
}

void check_strings(const Header& header, Bytes blob, bool split) {
    if (header.string_size == 0) {
        if (split) {
            return;  // all names are in the base
        }
        throw Error::missing_base(
            "the string section is empty: this is a split BTF, to be opened on its base");
    }
    if (header.string_size - 1 > kMaxStringOffset) {
        throw Error::format(
            "string section has " + std::to_string(header.string_size) + " bytes, must have at most 2^31",
            HeaderField::string_size);
    }
    const Bytes strings = header.strings(blob);
    if (strings.data[strings.size - 1] != std::byte{0}) {
        throw Error::format("string section does not end with a NUL byte",
                            header.string_start() + strings.size - 1);
    }
    // The first string of a standalone BTF is the empty one. A split BTF uses that of its base.
    const bool starts_empty = strings.data[0] == std::byte{0};
    if (!split && !starts_empty) {
        throw Error::missing_base(
            "the string section does not start with a NUL byte: this is a split BTF, to be opened on its "
            "base");
    }
    if (split && starts_empty) {
        throw Error::format(
            "the string section starts with a NUL byte: this BTF stands alone and needs no base",
            header.string_start());
    }
}

}  // namespace

std::optional<ByteOrder> magic_byte_order(Bytes head) {
    static_assert(HeaderField::magic == 0 && ExtHeaderField::magic == 0);
    if (head.size >= sizeof kMagic && Load<ByteOrder::little>::u16(head.data) == kMagic) {
        return ByteOrder::little;
    }
    if (head.size >= sizeof kMagic && Load<ByteOrder::big>::u16(head.data) == kMagic) {
        return ByteOrder::big;
    }
    return std::nullopt;
}

Header parse_header(Bytes blob, bool split) {
    const ByteOrder order = byte_order(blob);
    Header header = with_byte_order(order, [blob](auto load) { return load_fields(blob, load); });
    header.order = order;
    check_sections(header, blob);
    check_strings(header, blob, split);
    return header;
}

}  // namespace btfmmap
