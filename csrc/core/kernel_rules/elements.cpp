// Checks of the kinds that have elements.

#include <string>

#include "core/format/kind_text.hpp"
#include "core/kernel_rules/records.hpp"

namespace btfmmap::kernel_rules {

using std::uint32_t;

void RecordCheck::check_members(const Record& record, uint32_t count) {
    check_optional_name(record);
    const bool is_union = record.kind == Kind::Union;
    const bool flag = record.flag();
    uint32_t last = 0;
    const std::byte* member = record.rest();
    for (uint32_t i = 0; i != count; ++i, member += shape_of(Kind::Struct).element) {
        const auto bad = [&](Rule rule, std::size_t field, const std::string& what) {
            fault(rule, record, member + field, "has a member " + number(i) + " " + what);
        };
        const uint32_t name_off = types_.load(member + MemberField::name_off);
        if (check_name_offset(record, member + MemberField::name_off, "member name") && name_off != 0 &&
            !names_.identifier(name_off)) {
            bad(Rule::name, MemberField::name_off, "whose name is not an identifier");
        }
        const uint32_t type_id = types_.load(member + MemberField::type);
        if (type_id == 0 || type_id > kMaxTypeId) {
            bad(Rule::type_id, MemberField::type, "of type [" + number(type_id) + "], must be 1 to 1048575");
        }
        const uint32_t offset = member_bit_offset(types_.load(member + MemberField::offset), flag);
        if (is_union && offset != 0) {
            bad(Rule::member_offset, MemberField::offset, "at bit " + number(offset) + ", must be 0");
        } else if (offset < last) {
            bad(Rule::member_offset, MemberField::offset,
                "at bit " + number(offset) + ", before that of the member before it, " + number(last));
        }
        if (bytes_of_bits(offset) > record.size_or_type) {
            bad(Rule::member_start, MemberField::offset,
                "at bit " + number(offset) + ", past its " + bytes_in_bits(record.size_or_type));
        }
        last = offset;
    }
}

void RecordCheck::check_enum(const Record& record, uint32_t count, std::size_t element) {
    if (record.size_or_type > 8 || !is_power_of_two(record.size_or_type)) {
        fault(Rule::enum_size, record, record.size_word(),
              "has " + number(record.size_or_type) + " bytes, must have 1, 2, 4 or 8");
    }
    check_optional_name(record);
    const std::byte* value = record.rest();
    for (uint32_t i = 0; i != count; ++i, value += element) {
        const std::byte* word = value + EnumField::name_off;
        const uint32_t name_off = types_.load(word);
        if (check_name_offset(record, word, "enumerator name") &&
            (name_off == 0 || !names_.identifier(name_off))) {
            fault(Rule::name, record, word,
                  "has an enumerator " + number(i) + " without a name that is an identifier");
        }
    }
}

void RecordCheck::check_prototype(const Record& record) {
    check_no_name(record);
    check_no_flag(record);
}

void RecordCheck::check_section(const Record& record, uint32_t count) {
    const uint32_t size = record.size_or_type;
    if (size == 0) {
        fault(Rule::section_size, record, record.size_word(), "has no bytes");
    }
    check_no_flag(record);
    if (record.name_off == 0 || (names_.offset_valid(record.name_off) && !names_.section(record.name_off))) {
        fault(Rule::name, record, record.name_word(), "has no name of printable characters");
    }
    uint32_t end = 0;  // the kernel's sum wraps around too
    std::uint64_t sum = 0;
    const std::byte* entry = record.rest();
    for (uint32_t i = 0; i != count; ++i, entry += shape_of(Kind::Datasec).element) {
        const auto bad = [&](Rule rule, std::size_t field, const std::string& what) {
            fault(rule, record, entry + field, "has an entry " + number(i) + " " + what);
        };
        const uint32_t type_id = types_.load(entry + SecinfoField::type);
        if (type_id == 0 || type_id > kMaxTypeId) {
            bad(Rule::type_id, SecinfoField::type, "of type [" + number(type_id) + "], must be 1 to 1048575");
        }
        const uint32_t offset = types_.load(entry + SecinfoField::offset);
        const uint32_t bytes = types_.load(entry + SecinfoField::size);
        // Compilers leave all these numbers 0, which is one fault, and not one for each entry.
        const bool unset = size == 0 && offset == 0;
        if (!unset && (offset < end || offset >= size)) {
            bad(Rule::entry_offset, SecinfoField::offset,
                "at byte " + number(offset) + ", before the end of the entry before it, " + number(end) +
                    ", or past the section's " + number(size));
        }
        if (!unset && (bytes == 0 || bytes > size)) {
            bad(Rule::entry_size, SecinfoField::size,
                bytes == 0 ? "of 0 bytes"
                           : "of " + number(bytes) + " bytes, more than the section's " + number(size));
        }
        end = unset ? 0 : offset + bytes;
        if (!unset && end > size) {
            bad(Rule::entry_end, SecinfoField::size,
                "that ends at byte " + number(end) + ", past the section's " + number(size));
        }
        sum += bytes;
    }
    if (size != 0 && sum > size) {
        fault(Rule::entry_sum, record, record.size_word(),
              "has entries of " + number(sum) + " bytes in sum, more than its " + number(size));
    }
}

}  // namespace btfmmap::kernel_rules
