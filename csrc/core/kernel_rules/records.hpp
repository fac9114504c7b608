#pragma once

#include <cstdint>

#include "core/kernel_rules/names.hpp"
#include "core/kernel_rules/reporter.hpp"
#include "core/kernel_rules/types.hpp"

namespace btfmmap::kernel_rules {

// One record in the type section, with its head.
struct Record {
    std::uint32_t id;
    const std::byte* at;
    std::uint32_t name_off;
    std::uint32_t info;
    std::uint32_t size_or_type;
    Kind kind;

    std::uint32_t vlen() const { return vlen_of(info); }
    bool flag() const { return info_kind_flag(info); }
    const std::byte* name_word() const { return at + HeadField::name_off; }
    const std::byte* info_word() const { return at + HeadField::info; }
    const std::byte* size_word() const { return at + HeadField::size_or_type; }
    const std::byte* rest() const { return at + kHeadSize; }
};

// Checks each record on its own, as the kernel does in btf_check_all_metas.
class RecordCheck {
public:
    RecordCheck(const Types& types, NameCheck& names, Reporter& reporter)
        : types_(types), names_(names), reporter_(reporter) {}

    // Checks all records of the index.
    void check_all();

    // Checks the record that cannot be read: `left` bytes of the section, too few for its size, or of an
    // unknown kind.
    void check_broken(const std::byte* at, std::uint64_t left);

private:
    // Checks the head. Returns false if the kind's own checks cannot be made.
    bool check_head(const Record& record) {
        const std::uint32_t kind = kind_of(record.info);
        const bool good = (record.info & ~kInfoMask) == 0 && kind != 0 && kind <= kMaxKind &&
                          names_.offset_valid(record.name_off);
        return good || report_head(record);
    }
    // Returns true if only the name offset is wrong.
    bool report_head(const Record& record);
    void check_kind(const Record& record, std::uint32_t elements);

    // plain_kinds.cpp: kinds without elements
    void check_int(const Record& record);
    void check_reference(const Record& record);
    void check_fwd(const Record& record);
    void check_array(const Record& record);
    void check_float(const Record& record);
    void check_decl_tag(const Record& record);
    void check_func(const Record& record);
    void check_var(const Record& record);

    // elements.cpp: kinds with elements
    void check_members(const Record& record, std::uint32_t count);
    void check_enum(const Record& record, std::uint32_t count, std::size_t element);
    void check_prototype(const Record& record);
    void check_section(const Record& record, std::uint32_t count);

    // Rules of several kinds
    void check_no_elements(const Record& record);
    void check_no_flag(const Record& record);
    void check_no_name(const Record& record);
    void check_own_name(const Record& record);
    void check_optional_name(const Record& record);
    // Returns false if the offset is outside of the strings, which it then reports.
    bool check_name_offset(const Record& record, const std::byte* word, const char* what) {
        return names_.offset_valid(types_.load(word)) || report_name_offset(record, word, what);
    }
    bool report_name_offset(const Record& record, const std::byte* word, const char* what);
    // Whether a name offset is that of an identifier. check_head() has reported it if it is invalid.
    bool is_identifier_or_invalid(std::uint32_t offset) {
        return !names_.offset_valid(offset) || names_.identifier(offset);
    }

    void fault(Rule rule, const Record& record, const std::byte* word, const std::string& what);

    const Types& types_;
    NameCheck& names_;
    Reporter& reporter_;
};

}  // namespace btfmmap::kernel_rules
