// Uses one BTF from many threads while it builds its parts on demand, for ThreadSanitizer. Usage: threads
// FILE ROUNDS. Prints the answers that the first thread of the last round got.

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "core/analysis/btf_sizes.hpp"
#include "core/analysis/graph.hpp"
#include "core/analysis/layout.hpp"
#include "core/analysis/member_paths.hpp"
#include "core/analysis/sizes.hpp"
#include "core/btf/btf.hpp"
#include "core/dump/c.hpp"
#include "core/dump/c_order.hpp"
#include "core/dump/json.hpp"
#include "core/dump/raw.hpp"
#include "core/input/file.hpp"
#include "core/lint/lint.hpp"
#include "core/text/writer_thread.hpp"

using namespace btfmmap;

namespace {

constexpr unsigned kThreads = 16;

void never_interrupted() {}

// A split BTF of one PTR to type 1 of its base, in its base's byte order.
Mapping split_of(const Btf& base) {
    auto bytes = std::make_shared<std::vector<std::byte>>(24 + 12);
    const auto store = [&](std::size_t at, std::uint32_t value, std::size_t size) {
        for (std::size_t i = 0; i != size; ++i) {
            const bool little = base.header().order == ByteOrder::little;
            (*bytes)[at + (little ? i : size - 1 - i)] = static_cast<std::byte>(value >> (8 * i));
        }
    };
    store(0, kMagic, 2);
    (*bytes)[2] = std::byte{kVersion};
    store(4, 24, 4);
    store(12, 12, 4);
    store(16, 12, 4);
    store(24 + 4, static_cast<std::uint32_t>(Kind::Ptr) << 24, 4);
    store(24 + 8, 1, 4);
    return Mapping::borrow({bytes->data(), bytes->size()}, bytes, How::read);
}

std::uint64_t sum(const std::vector<Column>& columns) {
    std::uint64_t total = 0;
    for (const Column& column : columns) {
        const auto* bytes = static_cast<const unsigned char*>(column.data);
        total = std::accumulate(bytes, bytes + column.rows * column.item_size, total);
    }
    return total;
}

std::uint64_t written(const std::function<void(Output&)>& dump) {
    std::uint64_t total = 0;
    with_writer_thread(dump, [&](const Output::Buffer&, std::size_t piece) { total += piece; });
    return total;
}

// Fields of all structs, by name and by byte.
std::uint64_t sum_of_fields(const BtfSizes& sizes) {
    std::uint64_t total = 0;
    const Index& index = sizes.btf().index();
    for (std::uint32_t id = 1; id != index.end_id(); ++id) {
        if (is_composite(index.kind_of(id))) {
            const auto fields = sizes.fields(id);
            for (const Field& field : fields->all()) {
                const std::string name(sizes.btf().strings().at(field.name_off));
                total += name.empty() ? 0 : find_member(sizes, id, name).bit_offset;
            }
            total += ByteSearch(sizes, id).at(0).size();
        }
    }
    return total;
}

// Asks for all that is shared or built on demand; each thread starts with another question.
std::vector<std::uint64_t> ask(const Btf& btf, const Graph& graph, const BtfSizes& kept, Arena& arena,
                               unsigned thread) {
    constexpr unsigned questions = 9;
    const Sizes& sizes = kept.sizes();
    std::vector<std::uint64_t> answers(questions);
    for (unsigned i = 0; i != questions; ++i) {
        const unsigned question = (i + thread) % questions;
        std::uint64_t& answer = answers[question];
        switch (question) {
            case 0:
                answer = btf.find("int", Kinds().set()).value_or(0);
                break;
            case 1:
                for (std::size_t i = 0; i != kTables.size(); ++i) {
                    const std::size_t table = (i + thread) % kTables.size();
                    btf.table(table, 1u << thread % TableKind::kMaxColumns);
                    answer += sum(btf.table(table, RecordTable::kAll).columns());
                }
                break;
            case 2:
                answer = graph.forward().edges + Graph::reachable(graph.reverse(), {1}).size() +
                         graph.reverse_labels().row[0] + graph.forward_labels().role[0];
                break;
            case 3:
                answer = sum(layouts(btf, sizes, arena).columns());
                break;
            case 4:
                answer = written([&](Output& output) { dump_raw(btf, {}, output); });
                break;
            case 5:
                answer = written([&](Output& output) { dump_json(btf, {}, false, output); });
                break;
            case 6:
                answer = written([&](Output& output) { dump_c(btf, sizes, {}, {}, output); });
                break;
            case 7:
                answer = sum_of_fields(kept);
                break;
            default:
                lint(btf.mapping().bytes(), nullptr, 0, nullptr, [&](Diagnostic&&) { ++answer; });
        }
    }
    return answers;
}

}  // namespace

int main(int, char** argv) {
    std::vector<std::uint64_t> seen[kThreads];
    for (int round = 0; round != std::atoi(argv[2]); ++round) {
        const File file = File::open(argv[1], Method::automatic, never_interrupted);
        auto btf = std::make_shared<const Btf>(file.whole(), file.name(), nullptr, 0);
        auto graph = std::make_shared<const Graph>(*btf);
        auto sizes = std::make_shared<const BtfSizes>(btf, nullptr);
        auto arena = std::make_shared<Arena>(1 << 16);
        std::atomic<unsigned> waiting{kThreads};
        std::vector<std::thread> threads;
        for (unsigned thread = 0; thread != kThreads; ++thread) {
            threads.emplace_back([=, &waiting, &seen]() mutable {
                // Each thread owns its arguments; the last thread to end frees them.
                auto split = std::make_shared<const Btf>(split_of(*btf), "split", btf, 0);
                --waiting;
                while (waiting != 0) {
                    std::this_thread::yield();
                }
                seen[thread] = ask(*btf, *graph, *sizes, *arena, thread);
                seen[thread].push_back(split->find("int", Kinds().set()).value_or(0));
                graph.reset();
                sizes.reset();
                btf.reset();
                split.reset();
            });
        }
        graph.reset();
        btf.reset();
        sizes.reset();
        for (std::thread& thread : threads) {
            thread.join();
        }
        for (const auto& answers : seen) {
            if (answers != seen[0]) {
                std::puts("threads saw different answers");
                return 1;
            }
        }
    }
    for (const std::uint64_t answer : seen[0]) {
        std::printf("%llu\n", static_cast<unsigned long long>(answer));
    }
}
