// Checks of the kinds that have no elements.

#include <string>

#include "core/kernel_rules/records.hpp"

namespace btfmmap::kernel_rules {

using std::uint32_t;

void RecordCheck::check_int(const Record& record) {
    check_no_elements(record);
    check_no_flag(record);
    const uint32_t word = types_.load(record.rest());
    if ((word & ~kIntMask) != 0) {
        fault(Rule::int_data, record, record.rest(), "has unknown bits in its INT word, " + number(word));
    }
    const uint32_t bits = uint32_t{int_bits(word)} + int_bit_offset(word);
    if (bits > kMaxIntBits || bytes_of_bits(bits) > record.size_or_type) {
        fault(Rule::int_bits, record, record.rest(),
              "has " + number(int_bits(word)) + " bits at bit " + number(int_bit_offset(word)) + " of " +
                  number(record.size_or_type) + " bytes, must end inside them and at bit 128 at most");
    }
    const uint32_t encoding = int_encoding(word);
    if ((encoding & (encoding - 1)) != 0 || encoding > 4) {
        fault(Rule::int_encoding, record, record.rest(),
              "has the encoding " + number(encoding) + ", must be 0, 1, 2 or 4");
    }
}

void RecordCheck::check_reference(const Record& record) {
    check_no_elements(record);
    if (record.kind != Kind::TypeTag) {
        check_no_flag(record);
    }
    if (record.size_or_type > kMaxTypeId) {
        fault(Rule::type_id, record, record.size_word(),
              "refers to type [" + number(record.size_or_type) + "], past the highest possible ID, 1048575");
    }
    if (record.kind == Kind::Typedef) {
        check_own_name(record);
    } else if (record.kind != Kind::TypeTag) {
        check_no_name(record);
    } else if (names_.offset_valid(record.name_off) && names_.empty(record.name_off)) {
        fault(Rule::name, record, record.name_word(), "has no name");
    }
}

void RecordCheck::check_fwd(const Record& record) {
    check_no_elements(record);
    if (record.size_or_type != 0) {
        fault(Rule::unused_field, record, record.size_word(),
              "has " + number(record.size_or_type) + " in its unused size/type field, must be 0");
    }
    check_own_name(record);
}

void RecordCheck::check_array(const Record& record) {
    check_no_name(record);
    check_no_elements(record);
    check_no_flag(record);
    if (record.size_or_type != 0) {
        fault(Rule::unused_field, record, record.size_word(),
              "has " + number(record.size_or_type) + " in its unused size/type field, must be 0");
    }
    const auto check = [&](Rule rule, std::size_t field, const char* what) {
        const std::byte* word = record.rest() + field;
        const uint32_t type_id = types_.load(word);
        if (type_id == 0 || type_id > kMaxTypeId) {
            fault(rule, record, word,
                  std::string("has the ") + what + " type [" + number(type_id) + "], must be 1 to 1048575");
        }
    };
    check(Rule::array_element, ArrayField::type, "element");
    check(Rule::array_index, ArrayField::index_type, "index");
}

void RecordCheck::check_float(const Record& record) {
    check_no_elements(record);
    check_no_flag(record);
    const uint32_t size = record.size_or_type;
    if (size != 2 && size != 4 && size != 8 && size != 12 && size != 16) {
        fault(Rule::float_size, record, record.size_word(),
              "has " + number(size) + " bytes, must have 2, 4, 8, 12 or 16");
    }
}

void RecordCheck::check_decl_tag(const Record& record) {
    if (names_.offset_valid(record.name_off) && names_.empty(record.name_off)) {
        fault(Rule::tag_value, record, record.name_word(), "is empty");
    }
    check_no_elements(record);
    const auto component = static_cast<std::int32_t>(types_.load(record.rest()));
    if (component < -1) {
        fault(Rule::component, record, record.rest(),
              "has the component " + std::to_string(component) + ", must be at least -1");
    }
}

void RecordCheck::check_func(const Record& record) {
    check_own_name(record);
    if (record.vlen() > 1) {
        fault(Rule::func_linkage, record, record.info_word(),
              "has the linkage " + number(record.vlen()) + ", must be 0 (static) or 1 (global)");
    }
    check_no_flag(record);
}

void RecordCheck::check_var(const Record& record) {
    check_no_elements(record);
    check_no_flag(record);
    check_own_name(record);
    if (record.size_or_type == 0 || record.size_or_type > kMaxTypeId) {
        fault(Rule::type_id, record, record.size_word(),
              "is of type [" + number(record.size_or_type) + "], must be 1 to 1048575");
    }
    const uint32_t linkage = types_.load(record.rest());
    if (linkage > 1) {
        fault(Rule::var_linkage, record, record.rest(),
              "has the linkage " + number(linkage) + ", must be 0 (static) or 1 (global)");
    }
}

}  // namespace btfmmap::kernel_rules
