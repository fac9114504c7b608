#include "core/lint/lint.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "core/base/error.hpp"
#include "core/index/validate_references.hpp"
#include "core/lint/lint_rules.hpp"
#include "core/names/pointer_size.hpp"

namespace btfmmap {

namespace {

Diagnostic invalid(const char* rule, Error&& error) {
    return {Severity::error, rule, std::move(error.message), error.offset, error.type_id};
}

std::optional<Header> header_of(Bytes blob, const LintBase* base, const ReportDiagnostic& report) {
    try {
        const Header header = parse_header(blob, base != nullptr);
        if (base == nullptr || base->btf.header().order == header.order) {
            return header;
        }
        report(invalid("header", Error::format("its byte order differs from its base's", 0)));
    } catch (Error& error) {
        if (error.kind == ErrorKind::missing_base) {
            throw;
        }
        report(invalid("header", std::move(error)));
    }
    return std::nullopt;
}

void note_header(const Header& header, std::uint64_t blob_size, const ReportDiagnostic& report) {
    const auto note = [&](const std::string& message, std::uint64_t offset) {
        report({Severity::note, "header", message, offset, std::nullopt});
    };
    if (header.flags != 0) {
        note("the header has the unknown flags " + std::to_string(header.flags), HeaderField::flags);
    }
    if (header.size > kMaxHeaderSize) {
        note("the header has " + std::to_string(header.size) + " bytes, only " +
                 std::to_string(kMaxHeaderSize) + " are known",
             HeaderField::header_size);
    }
    // parse_header() has validated that the sections are in this order.
    std::uint64_t end = header.size;
    const auto section = [&](const char* name, std::uint64_t start, std::uint64_t size) {
        if (start != end) {
            note(std::to_string(start - end) + " bytes before the " + name + " section belong to no section",
                 end);
        }
        end = start + size;
    };
    section("type", header.type_start(), header.type_size);
    if (header.layout_size != 0) {
        section("layout", header.layout_start(), header.layout_size);
    }
    section("string", header.string_start(), header.string_size);
    if (end != blob_size) {
        note(std::to_string(blob_size - end) + " bytes after the string section belong to no section", end);
    }
}

}  // namespace

void lint(Bytes blob, const LintBase* base, std::uint32_t pointer_size, ReadableBtf* sound,
          const ReportDiagnostic& report) {
    const auto header = header_of(blob, base, report);
    if (!header) {
        return;
    }
    std::optional<ReadableBtf> own;
    if (sound == nullptr) {
        const auto of_base = base == nullptr ? ReadableBtf::Base{}
                                             : ReadableBtf::Base{&base->btf.shapes(), &base->btf.index(),
                                                                 &base->btf.strings()};
        own.emplace(blob, *header, header->order, of_base);
    }
    ReadableBtf& read = sound == nullptr ? *own : *sound;
    const ReadableRecords& records = read.records;
    const Strings& strings = read.strings;
    const std::uint64_t types_start = header->type_start();
    const Index& index = records.index();
    // The rest of the section may hold more types, so references to their IDs are not reported.
    const std::uint64_t ids_end =
        std::min<std::uint64_t>(UINT32_MAX, index.end_id() + (records.unread() + kHeadSize - 1) / kHeadSize);
    if (sound == nullptr) {
        each_invalid_reference(
            index, strings.end(), ids_end, types_start,
            [&](Error&& error) { report(invalid("reference", std::move(error))); },
            [&](Error&& error) { report(invalid("section-entry", std::move(error))); });
    }
    if (records.error()) {
        report(invalid("record", Error(*records.error())));
    }

    if (pointer_size == 0) {
        pointer_size = base == nullptr ? size_of_long(index, strings) : base->btf.pointer_size();
    }
    const Sizes sizes(index, pointer_size == 0 ? sizeof(void*) : pointer_size,
                      base == nullptr ? nullptr : &base->sizes, Sizes::Alignments::left_out);
    note_header(*header, blob.size, report);
    apply_lint_rules(read, sizes, types_start, sound != nullptr, report);
}

}  // namespace btfmmap
