#include "core/kernel_rules/records.hpp"

#include <string>

#include "core/format/kind_text.hpp"

namespace btfmmap::kernel_rules {

using std::uint32_t;

namespace {

constexpr std::size_t kMaxQuoted = 64;  // bytes of a name shown in a message

}  // namespace

void RecordCheck::check_all() {
    const Index& index = types_.index();
    for (std::size_t row = index.first_record(); row != index.rows(); ++row) {
        const std::byte* at = index.record(row);
        Record record{index.id(row),
                      at,
                      types_.load(at + HeadField::name_off),
                      types_.load(at + HeadField::info),
                      types_.load(at + HeadField::size_or_type),
                      index.kind(row)};
        if (check_head(record)) {
            const std::size_t element = shape_of(record.kind).element;
            check_kind(record, element == 0 ? 0 : vlen_of(record.info));
        }
    }
}

void RecordCheck::check_broken(const std::byte* at, std::uint64_t left) {
    Record record{types_.index().end_id(), at, 0, 0, 0, Kind::Void};
    if (left >= kHeadSize) {
        record.name_off = types_.load(record.name_word());
        record.info = types_.load(record.info_word());
        record.size_or_type = types_.load(record.size_word());
        record.kind = static_cast<Kind>(info_kind(record.info));
        if (!check_head(record)) {
            return;
        }
    }
    fault(Rule::record_end, record, at,
          "has only " + number(left) + " bytes in the type section, needs " +
              number(left < kHeadSize ? kHeadSize : shape_of(record.kind).record_size(record.vlen())));
}

bool RecordCheck::report_head(const Record& record) {
    if ((record.info & ~kInfoMask) != 0) {
        fault(Rule::info, record, record.info_word(),
              "has " + number(info_vlen(record.info)) + " elements and kind " +
                  number(info_kind(record.info)) + "; Linux " + kKernelVersion +
                  " knows 65,535 elements and kind 31 at most");
        return false;
    }
    const uint32_t kind = kind_of(record.info);
    if (kind == 0 || kind > kMaxKind) {
        fault(Rule::kind, record, record.info_word(), "has the unknown kind " + number(kind));
        return false;
    }
    check_name_offset(record, record.name_word(), "name");
    return true;
}

void RecordCheck::check_kind(const Record& record, uint32_t elements) {
    switch (record.kind) {
        case Kind::Int:
            return check_int(record);
        case Kind::Ptr:
        case Kind::Typedef:
        case Kind::Volatile:
        case Kind::Const:
        case Kind::Restrict:
        case Kind::TypeTag:
            return check_reference(record);
        case Kind::Array:
            return check_array(record);
        case Kind::Struct:
        case Kind::Union:
            return check_members(record, elements);
        case Kind::Enum:
            return check_enum(record, elements, shape_of(Kind::Enum).element);
        case Kind::Enum64:
            return check_enum(record, elements, shape_of(Kind::Enum64).element);
        case Kind::Fwd:
            return check_fwd(record);
        case Kind::Func:
            return check_func(record);
        case Kind::FuncProto:
            return check_prototype(record);
        case Kind::Var:
            return check_var(record);
        case Kind::Datasec:
            return check_section(record, elements);
        case Kind::Float:
            return check_float(record);
        case Kind::DeclTag:
            return check_decl_tag(record);
        case Kind::Void:
            return;
    }
}

void RecordCheck::check_no_elements(const Record& record) {
    if (record.vlen() != 0) {
        fault(Rule::vlen, record, record.info_word(),
              "has a vlen of " + number(record.vlen()) + ", must be 0");
    }
}

void RecordCheck::check_no_flag(const Record& record) {
    if (record.flag()) {
        fault(Rule::kind_flag, record, record.info_word(), "has the kind flag, which its kind does not use");
    }
}

void RecordCheck::check_no_name(const Record& record) {
    if (record.name_off != 0 && names_.offset_valid(record.name_off)) {
        fault(Rule::name, record, record.name_word(),
              "has the name offset " + number(record.name_off) + ", must be 0: its kind has no names");
    }
}

void RecordCheck::check_own_name(const Record& record) {
    if (record.name_off == 0 || !is_identifier_or_invalid(record.name_off)) {
        fault(Rule::name, record, record.name_word(), "has no name that is an identifier");
    }
}

void RecordCheck::check_optional_name(const Record& record) {
    if (record.name_off != 0 && !is_identifier_or_invalid(record.name_off)) {
        fault(Rule::name, record, record.name_word(), "has a name that is not an identifier");
    }
}

bool RecordCheck::report_name_offset(const Record& record, const std::byte* word, const char* what) {
    const uint32_t offset = types_.load(word);
    fault(Rule::name_offset, record, word,
          std::string("has the ") + what + " offset " + number(offset) + ", past the " +
              number(types_.strings().end()) + " bytes of strings or 16 MiB");
    return false;
}

void RecordCheck::fault(Rule rule, const Record& record, const std::byte* word, const std::string& what) {
    std::string subject = record.kind == Kind::Void ? "" : kind_name(record.kind) + " ";
    if (record.name_off != 0 && names_.offset_valid(record.name_off)) {
        const std::string_view text = types_.strings().prefix(record.name_off, kMaxQuoted + 1);
        subject +=
            "'" + std::string(text.substr(0, kMaxQuoted)) + (text.size() > kMaxQuoted ? "...' " : "' ");
    }
    reporter_.type(rule, record.id, types_.offset(word), subject + what);
}

}  // namespace btfmmap::kernel_rules
