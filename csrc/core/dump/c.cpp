#include "core/dump/c.hpp"

#include <algorithm>
#include <string_view>

#include "core/base/merge_sort.hpp"
#include "core/btf/record.hpp"
#include "core/dump/c_limits.hpp"
#include "core/dump/c_order.hpp"
#include "core/dump/c_writer.hpp"

namespace btfmmap {

namespace {

using std::uint32_t;

constexpr std::string_view kGuard = R"(#ifndef __VMLINUX_H__
#define __VMLINUX_H__

)";

constexpr std::string_view kPush = R"(#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

)";

// Compilers for other targets do not know the attribute.
constexpr std::string_view kPushForBpf =
    R"(#if defined(__bpf__) && defined(__clang__) && !defined(BPF_NO_PRESERVE_ACCESS_INDEX)
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

)";

constexpr std::string_view kMacros = R"(#ifndef __ksym
#define __ksym __attribute__((section(".ksyms")))
#endif

#ifndef __weak
#define __weak __attribute__((weak))
#endif

#ifndef __bpf_fastcall
#if __has_attribute(bpf_fastcall)
#define __bpf_fastcall __attribute__((bpf_fastcall))
#else
#define __bpf_fastcall
#endif
#endif

)";

constexpr std::string_view kPop = R"(#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

)";

constexpr std::string_view kPopForBpf =
    R"(#if defined(__bpf__) && defined(__clang__) && !defined(BPF_NO_PRESERVE_ACCESS_INDEX)
#pragma clang attribute pop
#endif

)";

constexpr std::string_view kEnd = "#endif /* __VMLINUX_H__ */\n";

std::string_view comment_of(CDialect dialect) {
    switch (dialect) {
        case CDialect::c11:
            return "/* C11 with attributes of GNU C: compile with -std=gnu11 or -std=c11 */\n";
        case CDialect::c23:
            return "/* C23 with attributes of GNU C: compile with -std=gnu23 or -std=c23 */\n";
        default:
            return "/* C as bpftool writes it: compile with -std=gnu11 -fms-extensions */\n";
    }
}

// Returns the functions with a declaration tag of this text on the whole function, not on a parameter.
std::vector<uint32_t> tagged_functions(const Btf& btf, std::string_view tag) {
    std::vector<uint32_t> functions;
    for (uint32_t id = 1; id != btf.index().end_id(); ++id) {
        const TypeRecord record(btf, id);
        if (record.kind() != Kind::DeclTag || record.word(kHeadSize) != UINT32_MAX ||
            !btf.strings().equals(record.index->name_off(record.row), tag)) {
            continue;
        }
        const uint32_t function = record.size_or_type();
        if (function < btf.index().end_id() && btf.index().kind_of(function) == Kind::Func) {
            functions.push_back(function);
        }
    }
    return functions;
}

void write_kfuncs(const Btf& btf, CLimits& limits, CWriter& writer, Output& output) {
    write_text(output, "\n/* BPF kfuncs */\n#ifndef BPF_NO_KFUNC_PROTOTYPES\n");
    std::vector<std::pair<std::string_view, uint32_t>> functions;
    for (const uint32_t function : tagged_functions(btf, "bpf_kfunc")) {
        functions.emplace_back(btf.type_name(function), function);
        limits.spend(functions.back().first.size());
    }
    merge_sort(functions, [&](const auto& a, const auto& b) {
        limits.spend(std::min(a.first.size(), b.first.size()));
        return a.first < b.first;
    });
    std::vector<uint32_t> fast = tagged_functions(btf, "bpf_fastcall");
    std::sort(fast.begin(), fast.end());
    for (const auto& [name, function] : functions) {
        write_text(output, "extern ");
        write_text(output, std::binary_search(fast.begin(), fast.end(), function) ? "__bpf_fastcall " : "");
        writer.declare(TypeRecord(btf, function).target(), name);
        write_text(output, " __weak __ksym;\n");
    }
    write_text(output, "#endif\n\n");
}

}  // namespace

void dump_c(const Btf& btf, const Sizes& sizes, const std::vector<std::int64_t>& roots, const CHeader& header,
            Output& output) {
    CLimits limits(btf);
    CWriter writer(btf, sizes, limits, output, header.dialect);
    if (header.comment) {
        write_text(output, comment_of(header.dialect));
    }
    write_text(output, kGuard);
    write_text(output, is_standard(header.dialect) ? kPushForBpf : kPush);
    write_text(output, kMacros);
    for (const std::int64_t root : roots) {
        writer.write(btf.check_id(root));
    }
    if (roots.empty()) {
        if (header.sorted) {
            // bpftool skips the first type, which it takes for void. The types that refer to it still cause
            // it to be written.
            const std::vector<uint32_t> order = c_order(btf, limits);
            std::for_each(order.begin() + 1, order.end(), [&](uint32_t id) { writer.write(id); });
        } else {
            for (uint32_t id = 1; id != btf.index().end_id(); ++id) {
                writer.write(id);
            }
        }
        write_kfuncs(btf, limits, writer, output);
    }
    write_text(output, is_standard(header.dialect) ? kPopForBpf : kPop);
    write_text(output, kEnd);
    output.flush();
}

}  // namespace btfmmap
