// The core's workloads, one after another, under callgrind: `workloads FILE` of raw BTF. Each one's
// instructions go to a dump of its own, named after it. benchmarks/instructions.py builds and runs it.

#include <valgrind/callgrind.h>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/analysis/btf_sizes.hpp"
#include "core/analysis/graph.hpp"
#include "core/analysis/layout.hpp"
#include "core/analysis/member_paths.hpp"
#include "core/analysis/sizes.hpp"
#include "core/analysis/users.hpp"
#include "core/btf/btf.hpp"
#include "core/btf/record.hpp"
#include "core/dump/c.hpp"
#include "core/dump/json.hpp"
#include "core/dump/raw.hpp"
#include "core/dump/typed_records.hpp"
#include "core/fingerprint/fingerprints.hpp"
#include "core/input/file.hpp"
#include "core/kernel_rules/judge.hpp"
#include "core/lint/lint.hpp"
#include "core/names/name_matches.hpp"
#include "core/names/name_pattern.hpp"
#include "core/names/rows_named.hpp"
#include "core/pahole/layout_text.hpp"
#include "core/pahole/type_names.hpp"

namespace {

using namespace btfmmap;

// Releases the run's result outside of the count.
template <class Run>
auto counted(const std::string& name, Run run) {
    CALLGRIND_START_INSTRUMENTATION;
    CALLGRIND_ZERO_STATS;
    auto result = run();
    CALLGRIND_DUMP_STATS_AT(name.c_str());
    CALLGRIND_STOP_INSTRUMENTATION;
    return result;
}

template <class Dump>
void counted_dump(const std::string& name, Dump dump) {
    std::size_t size = 0;
    Output output([&size](const Output::Buffer&, std::size_t piece) { size += piece; });
    counted(name, [&] {
        dump(output);
        output.flush();
        return 0;
    });
    std::printf("%s: %zu bytes\n", name.c_str(), size);
}

// Names of types throughout the file.
std::vector<std::string> some_names(const Btf& btf, std::size_t count) {
    const Index& index = btf.index();
    std::vector<std::string> names;
    std::size_t next = index.first_record();
    for (std::size_t row = next; row != index.rows(); ++row) {
        if (row >= next && index.name_off(row) != 0) {
            names.emplace_back(btf.type_name(index.id(row)));
            next += index.rows() / count;
        }
    }
    return names;
}

// Finds the last field of the first structs by name, and those at their first bytes.
std::size_t fields_of_all(const BtfSizes& sizes) {
    constexpr std::size_t structs = 1000;
    const Index& index = sizes.btf().index();
    std::size_t asked = 0;
    std::size_t found = 0;
    for (std::uint32_t id = 1; id != index.end_id() && asked != structs; ++id) {
        if (is_composite(index.kind_of(id))) {
            ++asked;
            const auto fields = sizes.fields(id);
            found += ByteSearch(sizes, id).at(0).size();
            if (fields->count() != 0) {
                const std::string_view name = sizes.btf().strings().at(fields->all().back().name_off);
                found += find_member(sizes, id, name).status == FoundMember::Status::found;
            }
        }
    }
    return found;
}

// One large value, zero and not, and many small records.
void counted_typed_data(const Btf& btf, const Sizes& sizes) {
    const Kinds structs = Kinds().set(static_cast<std::size_t>(Kind::Struct));
    const auto values = [&](const char* name) {
        return TypedData(btf, sizes, btf.find(name, structs).value(), {}, [] {});
    };
    const std::size_t size = in_memory(values("task_struct").size());
    for (const auto& [name, byte] : {std::pair{"format_zeros", 0}, {"format_task_struct", 0x41}}) {
        const std::vector<std::byte> data(size, std::byte(byte));
        counted(name, [&] { return values("task_struct").format({data.data(), size}).size(); });
    }
    const std::vector<std::byte> data(20'000, std::byte{0x41});
    counted_dump("format_1000_records", [&](Output& output) {
        TypedData header = values("iphdr");
        TypedRecords(header, {data.data(), data.size()}, {}).write("\n", output);
    });
}

// The types of all members.
std::vector<std::int64_t> member_types(const Btf& btf) {
    std::vector<std::int64_t> ids;
    for (std::size_t row = btf.index().first_record(); row != btf.index().rows(); ++row) {
        const TypeRecord type(btf, btf.index().id(row));
        for (std::uint32_t number = 0; is_composite(type.kind()) && number != type.elements(); ++number) {
            ids.push_back(type.element_type(number, MemberField::type));
        }
    }
    return ids;
}

void all(const std::string& path) {
    const Mapping bytes = File::open(path, Method::read, nullptr).whole();
    const auto open = [&] { return std::make_shared<const Btf>(bytes, path, nullptr, 0); };

    const auto btf = counted("open", open);

    const auto names = some_names(*btf, 1000);
    const Kinds any = Kinds().set();
    counted("find_first", [&] { return btf->find(names[names.size() / 2], any); });
    counted("find_1000", [&] {
        std::size_t found = 0;
        for (const std::string& name : names) {
            found += btf->find(name, any).has_value();
        }
        return found;
    });

    for (std::size_t number = 0; number != kTables.size(); ++number) {
        counted("table_" + std::string(kTables[number].name),
                [&] { return &btf->table(number, RecordTable::kAll); });
    }

    for (const auto& [name, glob] : {std::pair("match_prefix", "tcp_*"), std::pair("match_part", "*sk_buff*"),
                                     std::pair("match_set", "*[0-9][0-9][0-9]*")}) {
        counted(name, [&, pattern = NamePattern::glob(glob)] {
            std::vector<std::uint32_t> ids;
            TextLimit limit;
            append_matches(btf->index(), btf->strings(), any, pattern, limit, ids);
            return ids;
        });
    }
    counted("find_members", [&] {
        const Column& offsets = btf->table("members", {"name_off"}).column("name_off");
        return rows_named(btf->strings(), static_cast<const std::uint32_t*>(offsets.data), offsets.rows,
                          "pid");
    });

    const auto graph = counted("graph", [&] { return std::make_unique<const Graph>(*btf); });
    counted("graph_reverse", [&] { return graph->reverse().edges; });
    counted("graph_labels", [&] { return graph->reverse_labels().row; });
    counted("users", [&] {
        const std::uint32_t type = btf->find("list_head", any).value_or(1);
        return find_users(*graph, type, {~0U, any, true});
    });
    const auto sizes = counted(
        "sizes", [&] { return std::make_unique<const Sizes>(btf->index(), btf->pointer_size(), nullptr); });
    Arena arena(0);
    counted("layouts", [&] { return layouts(*btf, *sizes, arena); });
    const auto shared = std::make_shared<const BtfSizes>(btf, nullptr);
    counted("fingerprints", [&] { return std::make_unique<const Fingerprints>(shared, nullptr); });
    const BtfSizes& kept = *shared;
    for (const char* question : {"fields", "fields_kept"}) {
        counted(question, [&] { return fields_of_all(kept); });
    }

    const auto types_of_members = member_types(*btf);
    counted("type_names", [&] { return TypeNames(*btf, types_of_members); });
    kept.layouts();
    if (const auto task = btf->find("task_struct", Kinds().set(static_cast<std::size_t>(Kind::Struct)))) {
        counted("layout_text", [&] { return layout_text(kept, *task, false); });
        counted("layout_text_expanded", [&] { return layout_text(kept, *task, true); });
    }

    const std::unique_ptr<ReadableBtf> read = counted("kernel_rules", [&] {
        return kernel_rules::judge(bytes.bytes(), nullptr, kernel_rules::Loading::program, 0,
                                   [](Diagnostic&&) {});
    });
    counted("lint", [&] {
        std::size_t findings = 0;
        lint(bytes.bytes(), nullptr, 0, read.get(), [&](Diagnostic&&) { ++findings; });
        return findings;
    });

    counted_dump("dump_raw", [&](Output& output) { dump_raw(*btf, {}, output); });
    counted_dump("dump_json", [&](Output& output) { dump_json(*btf, {}, false, output); });
    counted_dump("dump_c", [&](Output& output) { dump_c(*btf, *sizes, {}, {}, output); });

    counted_typed_data(*btf, *sizes);
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 2) {
        std::fputs("usage: workloads FILE\n", stderr);
        return 2;
    }
    try {
        all(arguments[1]);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return 0;
}
