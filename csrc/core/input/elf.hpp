#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/bytes.hpp"
#include "core/base/endian.hpp"
#include "core/input/file.hpp"

namespace btfmmap {

// How a section is compressed. The numbers are those of ch_type in the gABI's compression header.
enum class Compression : std::uint32_t { none = 0, zlib = 1, zstd = 2 };

// The position of a section's bytes in the file, after the compression header if there is one.
struct ElfSection {
    std::uint64_t offset;
    std::uint64_t size;
    Compression compression;
    std::uint64_t unpacked_size;  // in bytes; equal to `size` if the section is not compressed
};

// One section header.
struct ElfSectionHeader {
    std::string_view name;
    std::uint32_t type;
    std::uint64_t flags;
    std::uint64_t offset;
    std::uint64_t size;
    std::uint32_t link;
    std::uint32_t info;
    std::uint64_t entry_size;
};

// The section headers of an ELF file, with 32 or 64 bits and in either byte order (System V gABI, chapters 4
// and 5). Reads only the headers and the names of sections.
class Elf {
public:
    static bool recognises(Bytes head);

    // `file` must outlive this object. Throws Error (format) if headers or names are not inside the file.
    explicit Elf(const File& file);

    // Returns the size of a pointer in bytes, according to the file's class.
    std::uint32_t pointer_size() const { return wide_ ? 8 : 4; }

    ByteOrder byte_order() const { return order_; }
    std::uint16_t machine() const { return machine_; }

    std::uint64_t sections() const { return headers_->bytes().size / header_size_; }

    // Returns a header by its number, less than `sections()`. The name is valid as long as this object.
    // Throws Error (format) if the name is not inside the file or is longer than kMaxName bytes.
    ElfSectionHeader header_of(std::uint64_t section) const;
    static constexpr std::size_t kMaxName = 4096;

    // Returns the bytes of a section. Throws Error (format) if they are not inside the file.
    Mapping content(const ElfSectionHeader& section) const;

    // Returns the last section with that name, as libbpf's btf_find_elf_sections does. Throws Error (format)
    // if its bytes are not in the file or its compression is unknown.
    std::optional<ElfSection> find(std::string_view name) const;

private:
    struct Fields;

    std::uint16_t half(const std::byte* at) const;
    std::uint32_t word(const std::byte* at) const;
    std::uint64_t address(const std::byte* at) const;  // a word of the file's class

    const Fields& fields() const;
    const std::byte* header(std::uint64_t section) const;
    // Returns the string table of names from the start of a section's name to its end.
    std::string_view names_from(std::uint64_t section) const;
    bool is_named(std::uint64_t section, std::string_view name) const;
    // Throws Error (format) unless the range lies inside the file.
    void check_range(std::uint64_t offset, std::uint64_t size, const std::string& what) const;
    Mapping part(std::uint64_t offset, std::uint64_t size, const std::string& what) const;
    ElfSection located(std::uint64_t section, std::string_view name) const;

    const File& file_;
    bool wide_;
    ByteOrder order_;
    std::uint16_t machine_ = 0;
    std::uint64_t header_size_ = 0;
    std::optional<Mapping> headers_;
    std::optional<Mapping> names_;
};

}  // namespace btfmmap
