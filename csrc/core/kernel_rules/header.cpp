#include "core/kernel_rules/header.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>

#include "core/format/wire_format.hpp"
#include "core/kernel_rules/limits.hpp"

namespace btfmmap::kernel_rules {

namespace {

using std::uint32_t;
using std::uint64_t;

class HeaderCheck {
public:
    HeaderCheck(Bytes blob, ByteOrder order, bool split, Reporter& reporter)
        : blob_(blob), split_(split), reporter_(reporter) {
        header_.order = order;
    }

    // Returns false if there is no header to read.
    bool read() {
        if (blob_.size < HeaderField::type_offset) {
            fault(Rule::header_length,
                  "the data has " + number(blob_.size) + " bytes, without the length of the header",
                  HeaderField::header_size);
            return false;
        }
        header_.size = load(blob_.data + HeaderField::header_size);
        if (header_.size > blob_.size) {
            fault(Rule::header_length,
                  "the header has " + number(header_.size) + " bytes, the data only " + number(blob_.size),
                  HeaderField::header_size);
            return false;
        }
        // The kernel takes fields that the header does not have for zero. It does not know the layout fields.
        std::byte fields[kMaxHeaderSize] = {};
        std::memcpy(fields, blob_.data, std::min<std::size_t>(in_memory(header_.size), kMaxHeaderSize));
        header_.version = static_cast<std::uint8_t>(fields[HeaderField::version]);
        header_.flags = static_cast<std::uint8_t>(fields[HeaderField::flags]);
        header_.type_offset = load(fields + HeaderField::type_offset);
        header_.type_size = load(fields + HeaderField::type_size);
        header_.string_offset = load(fields + HeaderField::string_offset);
        header_.string_size = load(fields + HeaderField::string_size);
        header_.layout_offset = load(fields + HeaderField::layout_offset);
        header_.layout_size = load(fields + HeaderField::layout_size);
        return true;
    }

    void check_magic() {
        if (blob_.size < sizeof kMagic) {
            return;
        }
        if (magic_byte_order(blob_) && header_.size < sizeof kMagic) {
            fault(Rule::magic, "the header has " + number(header_.size) + " bytes, without the magic number",
                  HeaderField::header_size);
        } else if (!magic_byte_order(blob_)) {
            char found[64];
            std::snprintf(found, sizeof found, "the data starts with bytes %02x %02x, not 9f eb or eb 9f",
                          static_cast<unsigned>(blob_.data[0]), static_cast<unsigned>(blob_.data[1]));
            fault(Rule::magic, found, HeaderField::magic);
        }
    }

    // btf_parse_hdr
    void check_fields() {
        for (uint64_t at = kHeaderSize; at < header_.size; ++at) {
            if (blob_.data[in_memory(at)] != std::byte{0}) {
                fault(Rule::header_tail,
                      "the header has " + number(header_.size) + " bytes, and byte " + number(at) +
                          " is not 0; Linux " + kKernelVersion + " knows " + number(kHeaderSize),
                      kHeaderSize);
                break;
            }
        }
        check_magic();
        if (header_.version != kVersion) {
            fault(Rule::version, "the version is " + number(header_.version) + ", must be 1",
                  HeaderField::version);
        }
        if (header_.flags != 0) {
            fault(Rule::flags, "the flags are " + number(header_.flags) + ", must be 0", HeaderField::flags);
        }
        if (!split_ && header_.size == blob_.size) {
            fault(Rule::no_data, "nothing follows the header" + hint(), header_.size);
        }
        check_sections();
    }

    // btf_parse_str_sec
    void check_strings() {
        if (header_.string_start() + header_.string_size != blob_.size) {
            fault(Rule::strings_last,
                  "the string section ends at byte " + number(header_.string_start() + header_.string_size) +
                      ", the data at " + number(blob_.size),
                  HeaderField::string_offset);
        }
        if (header_.string_size == 0) {
            if (!split_) {
                fault(Rule::strings, "the string section is empty" + hint(), HeaderField::string_size);
            }
            return;
        }
        if (header_.string_size - 1 > kMaxNameOffset) {
            fault(Rule::strings,
                  "the string section has " + number(header_.string_size) + " bytes, more than 16 MiB",
                  HeaderField::string_size);
        }
        if (header_.string_start() + header_.string_size > blob_.size) {
            return;
        }
        const Bytes strings = header_.strings(blob_);
        if (strings.data[strings.size - 1] != std::byte{0}) {
            fault(Rule::strings, "the string section does not end with a NUL byte",
                  header_.string_start() + strings.size - 1);
        } else if (!split_ && strings.data[0] != std::byte{0}) {
            fault(Rule::strings, "the string section does not start with a NUL byte" + hint(),
                  header_.string_start());
        }
    }

    // btf_parse_type_sec, before the records. Does not apply to the BTF of the kernel and of modules.
    void check_types() {
        if (header_.type_offset % 4 != 0) {
            fault(Rule::types_alignment,
                  "the type section is at offset " + number(header_.type_offset) + ", not a multiple of 4",
                  HeaderField::type_offset);
        }
        if (!split_ && header_.type_size == 0) {
            fault(Rule::no_types, "there are no types" + hint(), HeaderField::type_size);
        }
    }

    std::optional<Header> readable() {
        if (header_.layout_size != 0 && (header_.layout_size % kLayoutSize != 0 ||
                                         header_.layout_start() + header_.layout_size > blob_.size)) {
            header_.layout_size = 0;
        }
        const bool inside = header_.type_start() + header_.type_size <= blob_.size &&
                            header_.string_start() + header_.string_size <= blob_.size;
        return inside && header_.version == kVersion && header_.size >= HeaderField::type_offset &&
                       magic_byte_order(blob_)
                   ? std::optional(header_)
                   : std::nullopt;
    }

private:
    struct Section {
        const char* name;
        uint64_t offset, size;
        std::size_t field;
    };

    // btf_check_sec_info. Reports the first fault: it decides what the others are.
    void check_sections() {
        Section sections[] = {
            {"type", header_.type_offset, header_.type_size, HeaderField::type_offset},
            {"string", header_.string_offset, header_.string_size, HeaderField::string_offset}};
        if (out_of_order(sections[0], sections[1])) {
            std::swap(sections[0], sections[1]);
        }
        const uint64_t expected = blob_.size - header_.size;
        uint64_t end = 0;
        for (const Section& section : sections) {
            const std::string what = std::string("the ") + section.name + " section (offset " +
                                     number(section.offset) + ", " + number(section.size) + " bytes) ";
            if (section.offset > expected) {
                return fault(Rule::sections,
                             what + "begins past the " + number(expected) + " bytes after the header",
                             section.field);
            }
            if (section.offset != end) {
                const std::string other = "byte " + number(end) + ", where the one before it ends";
                return fault(Rule::sections,
                             what + (section.offset > end ? "begins after " : "begins before ") + other,
                             section.field);
            }
            if (section.size > expected - end) {
                return fault(Rule::sections,
                             what + "ends past the " + number(expected) + " bytes after the header",
                             section.field + sizeof(uint32_t));
            }
            end += section.size;
        }
        if (end != expected) {
            fault(Rule::sections, number(expected - end) + " bytes after the sections belong to none",
                  header_.size + end);
        }
    }

    // btf_sec_info_cmp, whose differences wrap around.
    static bool out_of_order(const Section& a, const Section& b) {
        const auto difference = [](uint64_t x, uint64_t y) {
            return static_cast<std::int32_t>(static_cast<uint32_t>(x) - static_cast<uint32_t>(y));
        };
        const std::int32_t offsets = difference(a.offset, b.offset);
        return (offsets != 0 ? offsets : difference(a.size, b.size)) > 0;
    }

    uint32_t load(const std::byte* at) const {
        return with_byte_order(header_.order, [at](auto load) { return load.u32(at); });
    }

    static std::string hint() { return "; is it split BTF, to be judged on its base?"; }

    void fault(Rule rule, std::string message, uint64_t offset) {
        reporter_.header(rule, std::move(message), offset);
    }

    Bytes blob_;
    bool split_;
    Reporter& reporter_;
    Header header_{};
};

}  // namespace

std::optional<Header> check_header(Bytes blob, ByteOrder order, Loading loading, bool split,
                                   Reporter& reporter) {
    if (loading == Loading::program && blob.size > kMaxSize) {
        reporter.header(Rule::blob_size, "the data has " + number(blob.size) + " bytes, more than 16 MiB", 0);
    }
    HeaderCheck check(blob, order, split, reporter);
    if (!check.read()) {
        if (!magic_byte_order(blob)) {
            check.check_magic();
        }
        return std::nullopt;
    }
    check.check_fields();
    check.check_strings();
    if (loading == Loading::program) {
        check.check_types();
    }
    return check.readable();
}

}  // namespace btfmmap::kernel_rules
