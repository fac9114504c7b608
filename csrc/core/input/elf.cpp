#include "core/input/elf.hpp"

#include <cstring>
#include <string>

#include "core/base/error.hpp"

namespace btfmmap {

namespace {

constexpr unsigned char kElfMagic[] = {0x7f, 'E', 'L', 'F'};
constexpr std::size_t kClassAt = 4, kDataAt = 5;  // in e_ident
constexpr auto kClass32 = std::byte{1}, kClass64 = std::byte{2};
constexpr auto kDataLittle = std::byte{1}, kDataBig = std::byte{2};
constexpr std::size_t kIdentSize = 16, kMachineAt = 18;  // alike in both classes

constexpr std::uint16_t kIndexElsewhere = 0xffff;       // SHN_XINDEX: see sh_link of section 0
constexpr std::uint32_t kProgramBits = 1, kNoBits = 8;  // SHT_
constexpr std::uint64_t kCompressed = 0x800;            // SHF_COMPRESSED

std::string number(std::uint64_t value) { return std::to_string(value); }

}  // namespace

// Sizes of headers and byte offsets of fields, which depend on the class.
struct Elf::Fields {
    std::size_t file_header_size, e_shoff, e_shentsize, e_shnum, e_shstrndx;
    std::size_t section_header_size, sh_name, sh_type, sh_flags, sh_offset, sh_size, sh_link, sh_info,
        sh_entsize;
    std::size_t compression_header_size, ch_type, ch_size;
};

const Elf::Fields& Elf::fields() const {
    static constexpr Fields narrow{52, 32, 46, 48, 50, 40, 0, 4, 8, 16, 20, 24, 28, 36, 12, 0, 4};
    static constexpr Fields wide{64, 40, 58, 60, 62, 64, 0, 4, 8, 24, 32, 40, 44, 56, 24, 0, 8};
    return wide_ ? wide : narrow;
}

bool Elf::recognises(Bytes head) {
    return head.size >= sizeof kElfMagic && std::memcmp(head.data, kElfMagic, sizeof kElfMagic) == 0;
}

std::uint16_t Elf::half(const std::byte* at) const {
    return with_byte_order(order_, [at](auto load) { return load.u16(at); });
}

std::uint32_t Elf::word(const std::byte* at) const {
    return with_byte_order(order_, [at](auto load) { return load.u32(at); });
}

std::uint64_t Elf::address(const std::byte* at) const {
    return with_byte_order(order_, [this, at](auto load) { return wide_ ? load.u64(at) : load.u32(at); });
}

void Elf::check_range(std::uint64_t offset, std::uint64_t size, const std::string& what) const {
    if (offset > file_.size() || size > file_.size() - offset) {
        throw Error::format(file_.name() + ": " + what + " (offset " + number(offset) + ", " + number(size) +
                            " bytes) ends past the file's " + number(file_.size()) + " bytes");
    }
}

Mapping Elf::part(std::uint64_t offset, std::uint64_t size, const std::string& what) const {
    check_range(offset, size, what);
    return file_.part(offset, size);
}

Elf::Elf(const File& file) : file_(file) {
    const Mapping ident = part(0, kIdentSize, "the ELF identification");
    const std::byte file_class = ident.bytes().data[kClassAt];
    const std::byte data = ident.bytes().data[kDataAt];
    if ((file_class != kClass32 && file_class != kClass64) || (data != kDataLittle && data != kDataBig)) {
        throw Error::format(file.name() + ": an ELF file of class " +
                            number(static_cast<unsigned>(file_class)) + " and data encoding " +
                            number(static_cast<unsigned>(data)) + "; both must be 1 or 2");
    }
    wide_ = file_class == kClass64;
    order_ = data == kDataLittle ? ByteOrder::little : ByteOrder::big;

    const Mapping mapping = part(0, fields().file_header_size, "the ELF header");
    const std::byte* start = mapping.bytes().data;
    const std::uint64_t headers_offset = address(start + fields().e_shoff);
    machine_ = half(start + kMachineAt);
    header_size_ = half(start + fields().e_shentsize);
    std::uint64_t count = half(start + fields().e_shnum);
    std::uint64_t names = half(start + fields().e_shstrndx);
    if (headers_offset == 0) {
        throw Error::format(file.name() + ": an ELF file without section headers");
    }
    if (header_size_ < fields().section_header_size) {
        throw Error::format(file.name() + ": ELF section headers of " + number(header_size_) +
                            " bytes, must be at least " + number(fields().section_header_size));
    }
    if (count == 0 || names == kIndexElsewhere) {
        // The numbers do not fit into 16 bits, and are stored in section header 0.
        const Mapping first = part(headers_offset, header_size_, "the first ELF section header");
        count = count == 0 ? address(first.bytes().data + fields().sh_size) : count;
        names = names == kIndexElsewhere ? word(first.bytes().data + fields().sh_link) : names;
    }
    if (count > file.size() / header_size_) {
        throw Error::format(file.name() + ": " + number(count) +
                            " ELF section headers are more than the file's " + number(file.size()) +
                            " bytes hold");
    }
    headers_ = part(headers_offset, count * header_size_, "the table of ELF section headers");
    if (names == 0 || names >= count) {
        throw Error::format(file.name() + ": an ELF file whose sections have no names (section " +
                            number(names) + " of " + number(count) + " should contain them)");
    }
    const ElfSection section = located(names, "of section names");
    if (section.compression != Compression::none) {
        throw Error::format(file.name() + ": the ELF section of section names is compressed");
    }
    names_ = file.part(section.offset, section.size);
}

const std::byte* Elf::header(std::uint64_t section) const {
    return headers_->bytes().slice(section * header_size_, header_size_).data;
}

std::string_view Elf::names_from(std::uint64_t section) const {
    const std::uint32_t offset = word(header(section) + fields().sh_name);
    const Bytes names = names_->bytes();
    if (offset >= names.size) {
        throw Error::format(file_.name() + ": ELF section " + number(section) + " has the name offset " +
                            number(offset) + ", past the section names' " + number(names.size) + " bytes");
    }
    return {reinterpret_cast<const char*>(names.data) + offset, names.size - offset};
}

bool Elf::is_named(std::uint64_t section, std::string_view name) const {
    // Does not search for the NUL: in a hostile file, a million sections may have names of megabytes.
    const std::string_view start = names_from(section);
    return start.size() > name.size() && start.substr(0, name.size()) == name && start[name.size()] == '\0';
}

ElfSectionHeader Elf::header_of(std::uint64_t section) const {
    const std::byte* at = header(section);
    const std::string_view start = names_from(section).substr(0, kMaxName + 1);
    const std::size_t end = start.find('\0');
    if (end == std::string_view::npos) {
        throw Error::format(file_.name() + ": the name of ELF section " + number(section) +
                            " does not end within " + number(kMaxName) + " bytes");
    }
    return {start.substr(0, end),
            word(at + fields().sh_type),
            address(at + fields().sh_flags),
            address(at + fields().sh_offset),
            address(at + fields().sh_size),
            word(at + fields().sh_link),
            word(at + fields().sh_info),
            address(at + fields().sh_entsize)};
}

Mapping Elf::content(const ElfSectionHeader& section) const {
    return part(section.offset, section.size, "the ELF section " + std::string(section.name));
}

ElfSection Elf::located(std::uint64_t section, std::string_view name) const {
    const std::byte* at = header(section);
    const std::string what = "the ELF section " + std::string(name);
    const std::uint64_t offset = address(at + fields().sh_offset);
    const std::uint64_t size = address(at + fields().sh_size);
    const std::uint32_t type = word(at + fields().sh_type);
    if (type == kNoBits) {
        throw Error::format(file_.name() + ": " + what +
                            " has no bytes in the file (SHT_NOBITS), as in a file of debug symbols");
    }
    check_range(offset, size, what);
    ElfSection found{offset, size, Compression::none, size};
    if ((address(at + fields().sh_flags) & kCompressed) == 0) {
        return found;
    }
    const std::size_t header_size = fields().compression_header_size;
    if (size < header_size) {
        throw Error::format(file_.name() + ": " + what + " is compressed, but its " + number(size) +
                            " bytes do not contain a compression header");
    }
    const Mapping start = file_.part(offset, header_size);
    found.compression = static_cast<Compression>(word(start.bytes().data + fields().ch_type));
    if (found.compression != Compression::zlib && found.compression != Compression::zstd) {
        throw Error::format(file_.name() + ": " + what + " is compressed with the unknown algorithm " +
                            number(static_cast<std::uint32_t>(found.compression)));
    }
    found.unpacked_size = address(start.bytes().data + fields().ch_size);
    found.offset += header_size;
    found.size -= header_size;
    return found;
}

std::optional<ElfSection> Elf::find(std::string_view name) const {
    for (std::uint64_t section = sections(); section-- > 1;) {
        if (!is_named(section, name)) {
            continue;
        }
        const std::uint32_t type = word(header(section) + fields().sh_type);
        if (type != kProgramBits && type != kNoBits) {
            throw Error::format(file_.name() + ": the ELF section " + std::string(name) + " is of type " +
                                number(type) + ", must be 1 (SHT_PROGBITS)");
        }
        return located(section, name);
    }
    return std::nullopt;
}

}  // namespace btfmmap
