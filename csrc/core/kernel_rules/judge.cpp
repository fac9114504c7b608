#include "core/kernel_rules/judge.hpp"

#include <optional>

#include "core/base/error.hpp"
#include "core/kernel_rules/names.hpp"
#include "core/kernel_rules/records.hpp"
#include "core/kernel_rules/resolver.hpp"
#include "core/kernel_rules/special_fields.hpp"
#include "core/kernel_rules/type_tags.hpp"
#include "core/names/pointer_size.hpp"

namespace btfmmap::kernel_rules {

namespace {

// The byte order of bytes that do not tell it, which break the rule of the magic number in any order.
constexpr ByteOrder kDefaultOrder = ByteOrder::little;

std::uint32_t pointer_size_of(const Types& types, std::uint32_t pointer_size) {
    if (pointer_size == 0) {
        pointer_size = size_of_long(types.index(), types.strings());
    }
    return pointer_size == 0 ? sizeof(void*) : pointer_size;
}

// `in_kernel` leaves out the rules for programs.
void check_types(const Types& types, const ReadableRecords& records, NameCheck& names, bool in_kernel,
                 std::uint32_t pointer_size, Reporter& reporter) {
    RecordCheck record_check(types, names, reporter);
    record_check.check_all();
    if (records.unread() != 0) {
        record_check.check_broken(records.index().record(records.index().rows()), records.unread());
    }
    if (in_kernel) {
        return check_type_tags(types, true, true, reporter);
    }
    Resolver resolver(types, names, pointer_size_of(types, pointer_size), reporter);
    resolver.check_all();
    check_type_tags(types, !resolver.found_endless(), false, reporter);
    if (reporter.count() == 0) {
        check_special_fields(types, reporter);
    }
}

}  // namespace

std::unique_ptr<ReadableBtf> judge(Bytes blob, const Btf* base, Loading loading, std::uint32_t pointer_size,
                                   const ReportDiagnostic& report) {
    Reporter reporter(report);
    const bool split = base != nullptr;
    const ByteOrder order = magic_byte_order(blob).value_or(kDefaultOrder);
    const auto header = check_header(blob, order, split ? Loading::kernel : loading, split, reporter);
    if (!header) {
        return nullptr;
    }
    if (split && order != base->header().order) {
        reporter.header(Rule::magic, "the byte order differs from that of the base", HeaderField::magic);
        return nullptr;
    }
    const auto of_base =
        split ? ReadableBtf::Base{&base->shapes(), &base->index(), &base->strings()} : ReadableBtf::Base{};
    auto read = std::make_unique<ReadableBtf>(blob, *header, order, of_base);
    const ReadableRecords& records = read->records;
    const Types types(records.index(), read->strings, header->type_start(), records.unread());
    NameCheck names(read->strings, read->identifiers);
    check_types(types, records, names, split || loading == Loading::kernel, pointer_size, reporter);
    return reporter.count() == 0 ? std::move(read) : nullptr;
}

}  // namespace btfmmap::kernel_rules
