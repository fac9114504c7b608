#include "exercise_all.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "core/analysis/btf_sizes.hpp"
#include "core/analysis/graph.hpp"
#include "core/analysis/layout.hpp"
#include "core/analysis/layout_members.hpp"
#include "core/analysis/member_paths.hpp"
#include "core/analysis/sizes.hpp"
#include "core/analysis/summary.hpp"
#include "core/analysis/users.hpp"
#include "core/arrow/export.hpp"
#include "core/arrow/string_views.hpp"
#include "core/base/error.hpp"
#include "core/btf/ext.hpp"
#include "core/core_relo/description.hpp"
#include "core/core_relo/evaluation.hpp"
#include "core/core_relo/records.hpp"
#include "core/corpus/catalog.hpp"
#include "core/decode/bitfield.hpp"
#include "core/decode/value_type.hpp"
#include "core/diff/changes.hpp"
#include "core/diff/history.hpp"
#include "core/diff/spelling.hpp"
#include "core/diff/version_numbers.hpp"
#include "core/diff_report/report.hpp"
#include "core/dump/c.hpp"
#include "core/dump/c_limits.hpp"
#include "core/dump/c_order.hpp"
#include "core/dump/json.hpp"
#include "core/dump/raw.hpp"
#include "core/dump/typed_records.hpp"
#include "core/fingerprint/fingerprints.hpp"
#include "core/kernel_rules/judge.hpp"
#include "core/lint/lint.hpp"
#include "core/names/name_matches.hpp"
#include "core/names/name_pattern.hpp"
#include "core/names/rows_named.hpp"
#include "core/pahole/layout_text.hpp"
#include "core/pahole/type_names.hpp"
#include "core/paths/type_paths.hpp"
#include "core/writing/core_marks.hpp"

namespace btfmmap::fuzz {

namespace {

using std::uint32_t;

// Most bytes of a dump: a few bytes of input can ask for megabytes of C.
constexpr std::size_t kMostText = std::size_t{1} << 18;
// Number of questions asked whose cost is in proportion to the number of types.
constexpr uint32_t kMostAsked = 32;
// Number of structs whose layouts are written: one of a few hundred bytes can make megabytes of text.
constexpr uint32_t kMostLayouts = 4;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

// Reads each byte, so that the sanitizer sees it.
void touch(const void* data, std::size_t size) {
    const auto* bytes = static_cast<const unsigned char*>(data);
    unsigned char own = 0;
    for (std::size_t i = 0; i != size; ++i) {
        own = static_cast<unsigned char>(own + bytes[i]);
    }
    volatile unsigned char sum = own;
    (void)sum;
}

void touch(std::string_view text) { touch(text.data(), text.size()); }
void touch(Bytes bytes) { touch(bytes.data, bytes.size); }

// Runs work that may throw an Error.
template <class Work>
void attempt(Work work) {
    try {
        work();
    } catch (const Error& error) {
        touch(error.message);
    }
}

struct TooMuchText {};

template <class Write>
void dump(Write write) {
    std::size_t size = 0;
    Output output([&size](Output::Buffer& buffer, std::size_t piece) {
        touch({buffer.get(), piece});
        buffer.reset(new char[Output::kSize]);  // another one, as the sink of with_writer_thread gives
        size += piece;
        if (size > kMostText) {
            throw TooMuchText();
        }
    });
    try {
        attempt([&] { write(output); });
    } catch (const TooMuchText&) {
    }
}

std::vector<uint32_t> some_ids(const Btf& btf) {
    const uint32_t end = btf.index().end_id();
    std::vector<uint32_t> ids;
    for (uint32_t id = 0; id < std::min(end, kMostAsked / 2); ++id) {
        ids.push_back(id);
    }
    for (uint32_t id = std::max(end, kMostAsked / 2) - kMostAsked / 2; id < end; ++id) {
        ids.push_back(id);
    }
    return ids;
}

void read_sections(const Btf& btf) {
    touch(btf.mapping().bytes());
    touch(btf.type_section());
    touch(btf.string_section());
    const uint32_t pointer_size = btf.pointer_size();
    require(pointer_size == 4 || pointer_size == 8);
}

void read_columns(const std::vector<Column>& columns) {
    for (const Column& column : columns) {
        touch(column.data, column.rows * column.item_size);
    }
}

// Asks for the first column alone, then for the others.
void read_tables(const Btf& btf) {
    for (std::size_t kind = 0; kind != kTables.size(); ++kind) {
        const RecordTable& table = btf.table(kind, 1);
        touch(table.column(std::size_t{0}).data, table.column(std::size_t{0}).rows);
        read_columns(btf.table(kind, RecordTable::kAll).columns());
    }
}

void read_names(const Btf& btf) {
    Kinds all;
    all.set();
    // The first few searches do without an index.
    const Names scanned(btf.index(), btf.strings());
    attempt([&] { btf.names().prepare(); });
    for (const uint32_t id : some_ids(btf)) {
        attempt([&] {
            const std::string name(btf.type_name(id));
            scanned.find_all(name, all);
            if (!name.empty()) {
                btf.strings().find_offsets(name, 5);
            }
            const auto ids = btf.find_all(name, all);
            require(std::is_sorted(ids.begin(), ids.end()));
            const auto found = btf.find(name, all);
            require(!found || *found < btf.index().end_id());
            for (std::size_t kind = 0; kind < kMaxKinds; kind += 3) {
                btf.find(name, Kinds().set(kind));
            }
        });
    }
    attempt([&] { btf.type_name(btf.index().end_id()); });
    attempt([&] { btf.type_name(-1); });
    attempt([&] { btf.find("", all); });
    attempt([&] { btf.find("no such name", all); });
}

// Matches all names with patterns that are made of one of them.
void read_matches(const Btf& btf) {
    Kinds all;
    all.set();
    for (const uint32_t id : some_ids(btf)) {
        attempt([&] {
            const std::string name(btf.type_name(id).substr(0, 64));
            const std::string head = name.substr(0, name.size() / 2);
            const std::string tail = name.substr(head.size());
            for (const std::string& glob :
                 {name, head + "*", "*" + tail, "*" + head + "*" + tail, "[" + name + "]*",
                  "?[!" + head + "-" + tail + "]*", head + "[" + tail + "-z]*?"}) {
                const NamePattern pattern = NamePattern::glob(glob);
                std::vector<uint32_t> ids;
                TextLimit limit;
                append_matches(btf.index(), btf.strings(), all, pattern, limit, ids);
                require(std::is_sorted(ids.begin(), ids.end()));
                require(ids.empty() ||
                        (ids.front() >= btf.index().first_id() && ids.back() < btf.index().end_id()));
            }
            const Column& offsets = btf.table("members", {"name_off"}).column("name_off");
            for (const uint32_t row :
                 rows_named(btf.strings(), static_cast<const uint32_t*>(offsets.data), offsets.rows, name)) {
                require(row < offsets.rows);
            }
        });
    }
}

void read_strings(const Btf& btf) {
    const Strings& strings = btf.strings();
    const auto end = static_cast<std::int64_t>(strings.end());
    const std::int64_t step = end / kMostAsked + 1;
    for (std::int64_t offset = 0; offset <= end + step; offset += step) {
        attempt([&] { touch(strings.at(offset)); });
        attempt([&] { touch(strings.prefix(offset, 3)); });
        attempt([&] { strings.equals(offset, "int"); });
    }
    attempt([&] { strings.at(-1); });
}

void read_sizes(const Btf& btf, const Sizes& sizes) {
    const uint32_t end = btf.index().end_id();
    for (uint32_t id = 0; id != end; ++id) {
        const uint32_t resolved = sizes.resolved(id);
        require(resolved == Sizes::kNoType || resolved < end);
        const uint32_t element = sizes.element(id);
        require(element == Sizes::kNoType || element < end);
        require(sizes.size(id) >= Sizes::kUnknown);
        require(sizes.alignment(id) >= Sizes::kUnknown);
        require(sizes.natural_alignment(id) >= 1);
    }
}

void read_layouts(const Btf& btf, const Sizes& sizes) {
    Arena arena(0);
    const Table table = layouts(btf, sizes, arena);
    read_columns(table.columns());
    wasteful_rows(table, 10);
    for (uint32_t id = btf.index().first_id(); id != btf.index().end_id(); ++id) {
        attempt([&] { member_placements(btf, sizes, id); });
    }
}

// The sizes of a BTF and its bases, which the caller keeps alive.
std::shared_ptr<const BtfSizes> shared_sizes_of(const Btf& btf) {
    const auto base = btf.base() == nullptr ? nullptr : shared_sizes_of(*btf.base());
    return std::make_shared<const BtfSizes>(BtfPtr(BtfPtr(), &btf), base);
}

// The fingerprints of a BTF, on those of its bases.
std::shared_ptr<const Fingerprints> fingerprints_of(const std::vector<const Btf*>& levels) {
    std::shared_ptr<const BtfSizes> sizes;
    std::shared_ptr<const Fingerprints> fingerprints;
    for (const Btf* level : levels) {
        sizes = std::make_shared<const BtfSizes>(BtfPtr(BtfPtr(), level), sizes);
        fingerprints = std::make_shared<const Fingerprints>(sizes, fingerprints);
    }
    return fingerprints;
}

// They are the same each time.
void read_fingerprints(const Btf& btf) {
    const auto one = fingerprints_of(btf.levels());
    const auto other = fingerprints_of(btf.levels());
    read_columns(one->table().columns());
    for (std::size_t i = 0; i != one->table().columns().size(); ++i) {
        const Column& column = one->table().columns()[i];
        const void* again = other->table().columns()[i].data;
        require(column.rows == 0 || std::memcmp(column.data, again, column.rows * column.item_size) == 0);
    }
}

// Releases a part of Arrow's interface, unless it was released.
template <class Node>
class Released {
public:
    explicit Released(Node* node) : node_(node) {}
    ~Released() {
        if (node_->release != nullptr) {
            node_->release(node_);
        }
    }
    Released(const Released&) = delete;
    Released& operator=(const Released&) = delete;

private:
    Node* node_;
};

// Arrow's interface has error numbers for exceptions.
void succeed(int code) {
    if (code == ENOMEM) {
        throw std::bad_alloc();
    }
    require(code == 0);
}

// A column of names, its consumer keeping one child longer than the rest.
void read_arrow(const Btf& btf) {
    std::vector<std::int64_t> offsets;
    for (std::uint64_t offset = 0; offset < btf.strings().end(); offset += 1 + offset / 4) {
        offsets.push_back(static_cast<std::int64_t>(offset));
    }
    const auto columns = std::make_shared<std::vector<arrow::Column>>();
    attempt([&] { columns->push_back(arrow::string_views(BtfPtr(BtfPtr(), &btf), "name", offsets)); });
    arrow::Stream stream;
    arrow::export_stream(columns, static_cast<std::int64_t>(offsets.size()), &stream);
    const Released released_stream(&stream);
    arrow::Schema schema;
    succeed(stream.get_schema(&stream, &schema));
    const Released released_schema(&schema);
    arrow::Array batch, end;
    succeed(stream.get_next(&stream, &batch));
    const Released released_batch(&batch);
    succeed(stream.get_next(&stream, &end));
    require(end.release == nullptr);
    if (batch.child_count != 0) {
        arrow::Array child = *batch.children[0];
        batch.children[0]->release = nullptr;
        batch.release(&batch);
        require(child.length == static_cast<std::int64_t>(offsets.size()));
        child.release(&child);
    }
}

// The sources of a comparison: a BTF after its bases.
std::vector<diff::Source> sources_of(const Btf& btf) {
    std::vector<diff::Source> sources;
    for (const Btf* level : btf.levels()) {
        const auto* below = sources.empty() ? nullptr : &sources.back();
        const auto sizes = std::make_shared<const BtfSizes>(BtfPtr(BtfPtr(), level),
                                                            below == nullptr ? nullptr : below->sizes);
        const auto fingerprints =
            std::make_shared<const Fingerprints>(sizes, below == nullptr ? nullptr : below->fingerprints);
        sources.push_back({sizes, fingerprints, below == nullptr ? "" : "module"});
    }
    return sources;
}

// Adds the names and records of one catalog to another. Returns the numbers there, by number here.
std::vector<uint32_t> merge(const corpus::Catalog& catalog, corpus::Catalog& into) {
    std::vector<uint32_t> names, numbers, words;
    for (uint32_t number = 0; number != catalog.names(); ++number) {
        names.push_back(into.add_name(catalog.name(number)));
    }
    for (uint32_t number = 0; number != catalog.records(); ++number) {
        const std::string_view record = catalog.record(number);
        words.resize(record.size() / sizeof(uint32_t));
        if (!record.empty()) {
            std::memcpy(words.data(), record.data(), record.size());
        }
        numbers.push_back(into.add_record_of(words.data(), words.size(), names, numbers));
    }
    return numbers;
}

// Merges a catalog into another one, twice: records that say the same have the same numbers.
void merge_catalog(const corpus::Catalog& catalog) {
    corpus::Catalog merged;
    const std::vector<uint32_t> first = merge(catalog, merged);
    require(merge(catalog, merged) == first);
    require(merged.records() == catalog.records());
    require(merged.unnamed(0).size() == catalog.unnamed(0).size());
}

// A BTF that was added after a similar one has the records that it has alone.
void add_alone(corpus::Catalog& catalog, const corpus::Entry& entry) {
    corpus::Catalog alone;
    std::vector<uint32_t> expected = alone.add(entry.sizes, nullptr)->numbers;
    const std::vector<uint32_t> merged = merge(alone, catalog);
    for (uint32_t& number : expected) {
        number = merged[number];
    }
    require(expected == entry.numbers);
}

// Adds a BTF and its bases twice: the same types have the same numbers.
void add_to_catalog(corpus::Catalog& catalog, const Btf& btf) {
    std::vector<uint32_t> numbers;
    for (int round = 0; round != 2; ++round) {
        std::shared_ptr<const corpus::Entry> entry;
        for (const diff::Source& source : sources_of(btf)) {
            entry = catalog.add(source.sizes, entry);
            if (entry->base == nullptr) {
                add_alone(catalog, *entry);
            }
        }
        for (const uint32_t number : entry->numbers) {
            require(number < catalog.records());
            touch(catalog.record(number));
        }
        for (const uint32_t number : catalog.references(entry->numbers)) {
            require(number != 0 && number < catalog.records());
        }
        require(round == 0 || numbers == entry->numbers);
        numbers = entry->numbers;
    }
    merge_catalog(catalog);
}

// Writes the report of each class in narrow lines: most are wrapped.
void write_report(const std::shared_ptr<const diff::Changes>& changes, diff::Changes::Depth depth,
                  const std::vector<uint8_t>& selected) {
    const diff::Report report(changes, depth, selected);
    std::size_t size = 0;
    diff::Lines lines(0, [&size](std::string_view text) {
        require(!text.empty() && text.back() == '\n');
        touch(text);
        size += text.size();
    });
    for (uint32_t number = 0; number != diff::kClasses; ++number) {
        const auto class_ = static_cast<diff::Class>(number);
        const std::size_t before = size;
        report.write(class_, lines);
        require((size != before) == (report.count(class_) != 0));
        touch(std::to_string(report.added(class_, 3).size() + report.removed(class_, SIZE_MAX).size()));
    }
}

void read_changes(const std::shared_ptr<diff::History>& history, uint32_t before, uint32_t after) {
    const auto compared = std::make_shared<const diff::Changes>(history, before, after);
    const diff::Changes& changes = *compared;
    const std::size_t entities = history->entities().size();
    for (const diff::Row& row : changes.rows()) {
        require(row.entity < entities);
        for (const diff::Side* side : {&row.before, &row.after}) {
            touch(history->names().text(side->path));
            require(side->cause == diff::kNone || side->cause < entities);
            if (side->type != diff::kNone) {
                touch(diff::spelled(history->spellings(), history->names(), side->type));
            }
        }
    }
    const std::vector<uint8_t> all(entities, uint8_t{1});
    for (const auto& cause : changes.causes(all)) {
        require(cause.entity < entities && cause.followers != 0);
        require(!changes.followers(cause.entity).empty());
    }
    using Depth = diff::Changes::Depth;
    require(changes.changed(Depth::layout, all).size() <= changes.changed(Depth::declaration, all).size());
    for (const auto& changed : changes.changed(Depth::deep, all)) {
        require(changed.rows != 0 && changed.row + changed.rows <= changes.rows().size());
        for (const uint32_t cause : changes.causes_of(changed.entity)) {
            require(cause < entities);
        }
        for (const Depth depth : {Depth::layout, Depth::declaration}) {
            const auto numbers = diff::version_numbers(*history, changed.entity, depth);
            require(numbers.size() == history->kernels());
        }
    }
    for (const Depth depth : {Depth::layout, Depth::deep}) {
        write_report(compared, depth, all);
    }
}

// Reads each version of each entity.
void read_versions(diff::History& history) {
    for (uint32_t entity = 0; entity != history.entities().size(); ++entity) {
        const auto versions = static_cast<std::int32_t>(history.entities()[entity].versions.size());
        require(versions != 0);
        for (std::int32_t number = 0; number != versions; ++number) {
            history.read(entity, number);
            const diff::VersionView view = history.view(entity, number);
            require(view.version.content == &view.content);
            for (uint32_t i = 0; i != view.count; ++i) {
                require(view.members[i].holder == diff::kNone || view.members[i].holder < i);
                touch(history.names().text(view.members[i].path));
            }
        }
    }
}

void read_fields(const Btf& btf, const BtfSizes& sizes, uint32_t id) {
    const uint32_t end = btf.index().end_id();
    const auto fields = sizes.fields(composite(sizes, id));
    for (const Field& field : fields->all()) {
        require(field.type < end && field.resolved < end && field.parent < end);
        require(field.depth < kMaxFieldDepth && field.begin() <= field.end());
    }
    for (std::size_t i = 0; i < fields->count(); i += 1 + fields->count() / 4) {
        attempt([&] {
            const Field& field = fields->all()[i];
            const std::string name(btf.strings().prefix(field.name_off, 64));
            for (const char* rest :
                 {"", "[0]", "[9].x", "[", "..", ".next", "[99999999999999999999]", "->next", "->x->"}) {
                const FoundMember found = find_member(sizes, id, name + rest);
                require(found.type < end && found.part_begin <= found.part_end);
                require(found.part_end <= name.size() + std::string_view(rest).size());
            }
        });
    }
    for (const LayoutMember& member : layout_members(sizes, composite(sizes, id))) {
        require(member.field.bitfield_size == 0 || 8 * member.offset <= member.field.bit_offset);
    }
}

void read_bytes(const BtfSizes& sizes, uint32_t id) {
    ByteSearch search(sizes, id);
    for (const std::int64_t byte :
         std::initializer_list<std::int64_t>{-1, 0, 1, 3, 4, 8, 63, UINT32_MAX, INT64_MAX}) {
        attempt([&] {
            for (const MemberAt& member : search.at(byte)) {
                touch(member.path);
                require(static_cast<std::int64_t>(member.bit_offset / 8) <= byte);
            }
        });
    }
}

void read_type_names(const Btf& btf) {
    const auto ids = some_ids(btf);
    const TypeNames names(btf, {ids.begin(), ids.end()});
    require(names.numbers().size() == ids.size() && names.distinct() <= ids.size());
    for (const uint32_t number : names.numbers()) {
        touch(names.name(number));
    }
    attempt([&] { TypeNames(btf, {btf.index().end_id()}); });
}

void read_layout_texts(const Btf& btf, const BtfSizes& sizes) {
    uint32_t written = 0;
    for (const uint32_t id : some_ids(btf)) {
        if (is_composite(btf.kind(id)) && written++ == kMostLayouts) {
            break;
        }
        attempt([&] { touch(layout_text(sizes, id, false)); });
        attempt([&] { touch(layout_text(sizes, id, true)); });
    }
    attempt([&] { layout_text(sizes, btf.index().end_id(), true); });
}

void read_value_types(const Btf& btf, const Sizes& sizes) {
    const uint32_t end = btf.index().end_id();
    for (uint32_t id = 0; id != end; ++id) {
        attempt([&] {
            const ValueType value = value_type(btf, sizes, id);
            require(value.id < end && value.dimension_count <= value.dimensions.size());
            require(value.kind != Kind::Array || value.dimension_count == value.dimensions.size());
        });
    }
}

// Returns a bitfield of a record, bit by bit.
std::uint64_t bit_by_bit(const std::byte* at, ByteOrder order, unsigned shift, unsigned bits,
                         bool is_signed) {
    std::uint64_t value = 0;
    bool top = false;
    for (unsigned i = 0; i != bits; ++i) {
        // From the highest bit to the lowest.
        const bool little = order == ByteOrder::little;
        const unsigned position = shift + (little ? bits - 1 - i : i);
        const unsigned in_byte = little ? position % 8 : 7 - position % 8;
        const bool bit = (static_cast<unsigned>(at[position / 8]) >> in_byte & 1U) != 0;
        top = i == 0 ? bit : top;
        value = value << 1 | (bit ? 1 : 0);
    }
    return is_signed && top && bits < 64 ? value | ~std::uint64_t{0} << bits : value;
}

// Reads bitfields of records that are made of the BTF's own bytes, from memory that ends with the last one.
void read_bitfields(const Btf& btf) {
    const Bytes bytes = btf.type_section();
    for (unsigned number = 0; number != 2 * kMostAsked && bytes.size >= 2; ++number) {
        const auto first = static_cast<unsigned>(bytes.data[number % bytes.size]);
        const auto second = static_cast<unsigned>(bytes.data[(number * 7 + 1) % bytes.size]);
        const unsigned shift = first % 8, bits = 1 + second % 64;
        const ByteOrder order = (first & 8U) != 0 ? ByteOrder::big : ByteOrder::little;
        const bool is_signed = (first & 16U) != 0;
        const Bitfield field(order, shift, bits, is_signed);
        const std::size_t size = field.bytes(), stride = size + (first >> 5U);
        if (bytes.size < size) {
            continue;
        }
        const std::size_t count = std::min((bytes.size - size) / stride + 1, std::size_t{50});
        const std::vector<std::byte> records(bytes.data, bytes.data + (count - 1) * stride + size);
        const bool backward = (second & 128U) != 0;
        const std::byte* start = records.data() + (backward ? (count - 1) * stride : 0);
        const auto step = static_cast<std::ptrdiff_t>(stride) * (backward ? -1 : 1);
        std::vector<std::uint64_t> values(count);
        const std::unique_ptr<bool[]> flags(new bool[count]);
        field.read(start, step, count, values.data());
        field.read(start, step, count, flags.get());
        for (std::size_t i = 0; i != count; ++i) {
            const std::byte* at = start + static_cast<std::ptrdiff_t>(i) * step;
            const std::uint64_t value = bit_by_bit(at, order, shift, bits, is_signed);
            require(values[i] == value && field.read(at) == value && flags[i] == (value != 0));
        }
    }
}

void read_edges(const Edges& edges) {
    require(edges.indptr[0] == 0 && edges.indptr[edges.nodes] == edges.edges);
    require(std::is_sorted(edges.indptr, edges.indptr + edges.nodes + 1));
    for (std::size_t edge = 0; edge != edges.edges; ++edge) {
        require(edges.indices[edge] < edges.nodes);
    }
    const auto last = static_cast<std::int64_t>(edges.nodes) - 1;
    const auto reached = Graph::reachable(edges, {-1, 0, last / 2, last, last + 1});
    require(std::is_sorted(reached.begin(), reached.end()));
}

void read_labels(const Labels& labels, std::size_t edges) {
    touch(labels.role, edges);
    touch(labels.row, edges * sizeof *labels.row);
}

void read_users(const Btf& btf, const Graph& graph) {
    Kinds all;
    all.set();
    const uint32_t end = btf.index().end_id();
    for (const UserQuery& query :
         {UserQuery{~0U, all, true}, UserQuery{~0U, {}, false}, UserQuery{8, {}, true}}) {
        for (const uint32_t id : some_ids(btf)) {
            attempt([&] {
                const Users found = find_users(graph, id, query);
                for (const User& user : found.users) {
                    require(user.type < end && user.position >= -1);
                    found.each_part(user.name, [](std::string_view part) { touch(part); });
                }
            });
        }
        attempt([&] { find_users(graph, end, query); });
    }
}

void read_hops(const Btf& btf, const std::vector<PathHop>& hops) {
    for (const PathHop& hop : hops) {
        require(hop.type < btf.index().end_id());
        touch(hop.name);
    }
}

// Paths between types, and from functions; then each as a path of an expression.
void read_paths(const Btf& btf, TypePaths& search, std::uint32_t most_pointers) {
    const std::vector<uint32_t> ids = some_ids(btf);
    for (const uint32_t id : ids) {
        for (const TypePath& path : search.paths(id)) {
            require(path.distance.pointers() <= most_pointers);
            read_hops(btf, path.hops);
        }
    }
    for (const ParameterDistance& parameter : search.closest_parameters(ids)) {
        if (const auto path = search.path_from_value(parameter.type)) {
            read_hops(btf, path->hops);
        }
    }
}

void search_paths(const Btf& btf, const BtfSizes& sizes, const Graph& graph) {
    const std::vector<uint32_t> ids = some_ids(btf);
    for (const bool up : {false, true}) {
        for (const std::size_t target : {ids.size() / 2, ids.size() - 1}) {
            TypePaths search(graph, sizes, {{ids[target]}, 3, 4, up, {ids.front()}, {{ids.back(), 0}}});
            read_paths(btf, search, 3);
        }
    }
}

void follow_paths(const Btf& btf, const BtfSizes& sizes, std::string_view path) {
    const uint32_t end = btf.index().end_id();
    for (const uint32_t id : some_ids(btf)) {
        for (const uint32_t pointers : {0U, 1U, 3U}) {
            attempt([&] {
                const FollowedPath followed = follow_path(sizes, {id, pointers, pointers == 1}, path);
                require(followed.end.type < end && followed.end.pointers <= pointers);
                require(followed.found.before <= followed.found.part_begin &&
                        followed.found.part_begin <= followed.found.part_end &&
                        followed.found.part_end <= path.size());
                read_hops(btf, followed.hops);
            });
        }
    }
}

void read_graph(const Btf& btf, const BtfSizes& sizes) {
    const Graph graph(btf);
    read_edges(graph.forward());
    read_edges(graph.reverse());
    read_labels(graph.forward_labels(), graph.forward().edges);
    read_labels(graph.reverse_labels(), graph.forward().edges);
    read_users(btf, graph);
    search_paths(btf, sizes, graph);
    for (const char* path : {"", "->next", "[0]", "[i].left", "->next->next[1][2]", ".", "[", "->"}) {
        follow_paths(btf, sizes, path);
    }
}

void read_dumps(const Btf& btf, const Sizes& sizes) {
    const uint32_t end = btf.index().end_id();
    for (const auto& roots : {std::vector<std::int64_t>{}, {end / 2, end - 1}, {end}}) {
        dump([&](Output& output) { dump_raw(btf, roots, output); });
        dump([&](Output& output) { dump_json(btf, roots, false, output); });
        dump([&](Output& output) { dump_json(btf, roots, true, output); });
        dump([&](Output& output) { dump_c(btf, sizes, roots, {}, output); });
    }
    for (const CDialect dialect : {CDialect::bpftool, CDialect::laid_out, CDialect::c11, CDialect::c23}) {
        dump([&](Output& output) { dump_c(btf, sizes, {}, {dialect, false, true}, output); });
    }
    CLimits limits(btf);
    std::vector<uint32_t> order = c_order(btf, limits);
    std::sort(order.begin(), order.end());
    require(std::adjacent_find(order.begin(), order.end()) == order.end());
    require(!order.empty() && order.back() < end);
}

// Formats values of some types: bytes that are zero, that are not, and that are derived from the BTF.
void read_typed_data(const Btf& btf, const Sizes& sizes) {
    constexpr std::size_t most_data = 512;
    const Bytes types = btf.type_section();
    for (const uint32_t id : some_ids(btf)) {
        attempt([&] {
            TypedDataOptions options;
            options.compact = id % 2 == 0;
            options.skip_names = id % 3 == 0;
            options.emit_zeroes = id % 5 == 0;
            options.emit_strings = id % 7 == 0;
            TypedData values(btf, sizes, id, options, [] {});
            if (values.size() > most_data) {
                return;
            }
            const auto size = static_cast<std::size_t>(values.size());
            // Each has its own allocation, so that the sanitizer sees reads past its end.
            std::vector<std::byte> zeros(size);
            std::vector<std::byte> ones(size, std::byte{0xff});
            std::vector<std::byte> some(size);
            for (std::size_t i = 0; i != size && i < types.size; ++i) {
                some[i] = types.data[i] & std::byte(0x11 * (i % 16));
            }
            for (const auto* data : {&zeros, &ones, &some}) {
                attempt([&] { touch(values.format({data->data(), size})); });
            }
            some.resize(3 * (size + 1));
            dump([&](Output& output) {
                TypedRecords records(values, {some.data(), some.size()}, static_cast<std::int64_t>(size + 1));
                require(records.count() == 3);
                records.write("\n", output);
            });
        });
    }
}

// The sizes of a BTF and its bases, the lowest first; each refers to the one before it.
std::vector<std::unique_ptr<const Sizes>> sizes_of(const Btf& btf) {
    std::vector<std::unique_ptr<const Sizes>> levels;
    if (btf.base() != nullptr) {
        levels = sizes_of(*btf.base());
    }
    const Sizes* base = levels.empty() ? nullptr : levels.back().get();
    levels.push_back(std::make_unique<const Sizes>(btf.index(), btf.pointer_size(), base));
    return levels;
}

// Returns whether lint finds no error that opening must refuse. Opening accepts the entries of a DATASEC that
// lint reports under "section-entry".
bool lints(const Mapping& bytes, const Btf* base, ReadableBtf* sound, std::size_t& found) {
    std::size_t errors = 0;
    const auto count = [&](const Diagnostic& diagnostic) {
        touch(diagnostic.message);
        ++found;
        errors +=
            diagnostic.severity == Severity::error && diagnostic.rule != std::string_view("section-entry");
    };
    try {
        if (base == nullptr) {
            lint(bytes.bytes(), nullptr, 0, sound, count);
        } else {
            const auto sizes = sizes_of(*base);
            const LintBase on{*base, *sizes.back()};
            lint(bytes.bytes(), &on, 0, sound, count);
        }
    } catch (const Error&) {
        return false;
    }
    return errors == 0;
}

// Returns what was read of the BTF if the kernel takes it.
std::unique_ptr<ReadableBtf> takes(const Mapping& bytes, const Btf* base, kernel_rules::Loading loading) {
    std::size_t errors = 0;
    auto read = kernel_rules::judge(bytes.bytes(), base, loading, 0, [&](const Diagnostic& diagnostic) {
        touch(diagnostic.message);
        require(diagnostic.severity == Severity::error);
        ++errors;
    });
    require((read != nullptr) == (errors == 0));
    return read;
}

// What the kernel takes opens, and lint finds the same with this knowledge.
void judge(const Mapping& bytes, const Btf* base, bool opens) {
    const auto as_base = takes(bytes, base, kernel_rules::Loading::kernel);
    const auto taken = takes(bytes, base, kernel_rules::Loading::program);
    require(!taken || as_base);
    if (taken && base == nullptr) {
        std::size_t with = 0, without = 0;
        require(opens && lints(bytes, base, taken.get(), with) && lints(bytes, base, nullptr, without));
        require(with == without);
    }
}

}  // namespace

BtfPtr open(const Mapping& bytes, const BtfPtr& base) {
    BtfPtr btf;
    attempt([&] { btf = std::make_shared<const Btf>(bytes, "input", base, 0); });
    std::size_t found = 0;
    require(lints(bytes, base.get(), nullptr, found) == (btf != nullptr));
    judge(bytes, base.get(), btf != nullptr);
    return btf;
}

void exercise_all(const Btf& btf) {
    attempt([&] { read_sections(btf); });
    read_names(btf);
    attempt([&] { read_matches(btf); });
    read_strings(btf);
    attempt([&] { read_type_names(btf); });
    attempt([&] { require(Summary(btf, kMostAsked).biggest_structs.size() <= kMostAsked); });
    attempt([&] { read_tables(btf); });
    attempt([&] {
        const auto sizes = sizes_of(btf);
        read_sizes(btf, *sizes.back());
        read_layouts(btf, *sizes.back());
        read_value_types(btf, *sizes.back());
        read_dumps(btf, *sizes.back());
        read_typed_data(btf, *sizes.back());
    });
    attempt([&] {
        const auto sizes = shared_sizes_of(btf);
        for (const uint32_t id : some_ids(btf)) {
            attempt([&] { read_fields(btf, *sizes, id); });
            attempt([&] { read_bytes(*sizes, id); });
        }
        read_layout_texts(btf, *sizes);
        read_graph(btf, *sizes);
    });
    read_bitfields(btf);
    attempt([&] { read_fingerprints(btf); });
    read_arrow(btf);
    const BtfPtr itself(BtfPtr(), &btf);
    compare({itself, itself});
}

void ask_paths(const Btf& btf, std::string_view path, std::size_t options) {
    attempt([&] {
        const auto sizes = shared_sizes_of(btf);
        follow_paths(btf, *sizes, path);
        const auto most_pointers = static_cast<uint32_t>(options % 9);
        const auto target = static_cast<uint32_t>(options / 9 % btf.index().end_id());
        const Graph graph(btf);
        TypePaths search(graph, *sizes, {{target}, most_pointers, options % 23, options % 2 == 1, {}, {}});
        read_paths(btf, search, most_pointers);
    });
}

void compare(const std::vector<BtfPtr>& btfs) {
    const auto history = std::make_shared<diff::History>();
    corpus::Catalog catalog;
    for (const BtfPtr& btf : btfs) {
        attempt([&] { add_to_catalog(catalog, *btf); });
        attempt([&] { history->add_kernel(sources_of(*btf)); });
        attempt([&] { read_versions(*history); });
        for (uint32_t after = 1; after < history->kernels(); ++after) {
            attempt([&] { read_changes(history, after - 1, after); });
        }
    }
}

void read_ext(const Mapping& section, const Btf& btf) {
    attempt([&] {
        const Ext ext(section, btf, "input");
        read_columns(ext.func_info().columns());
        read_columns(ext.line_info().columns());
        read_columns(ext.core_relo().columns());
    });
}

void evaluate_relocations(const BtfPtr& object, const Mapping& ext, const Mapping& code,
                          const BtfPtr& kernel) {
    namespace relo = core_relo;
    attempt([&] {
        auto records = relo::records_of(Ext(ext, *object, "input"), {});
        for (relo::Record& record : records) {
            record.section = code.bytes();
        }
        const relo::Object prepared(object, records);
        const relo::Target target(kernel, {object});
        for (const auto semantics : {relo::Semantics::libbpf, relo::Semantics::independent}) {
            const auto outcomes = relo::evaluate(prepared, target, semantics);
            require(outcomes.size() == records.size());
            writing::CoreMarks marks(target.btf(0));
            marks.add(prepared, target, outcomes);
            const auto bytes = std::make_shared<const std::vector<std::byte>>(marks.write(ByteOrder::big));
            require(open(Mapping::borrow({bytes->data(), bytes->size()}, bytes, How::read)) != nullptr);
            for (uint32_t number = 0; number != outcomes.size(); ++number) {
                const relo::Outcome& outcome = outcomes[number];
                const std::string reason = relo::describe(prepared, target, number, outcome);
                touch(reason);
                touch(prepared.path_text(number));
                prepared.extent(number);
                require(reason.empty() == (outcome.status == relo::Status::ok));
                require(outcome.candidate < target.btf(outcome.source).index().end_id());
            }
        }
    });
}

}  // namespace btfmmap::fuzz
