// Compares fast loops with plain versions: equal results, or equal errors, on real files and on mutants.
// test_fast_paths.py compiles it and names the files.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "core/base/arena.hpp"
#include "core/base/error.hpp"
#include "core/format/header.hpp"
#include "core/index/index.hpp"
#include "core/index/scan_records.hpp"
#include "core/index/validate_references.hpp"
#include "core/names/known_identifiers.hpp"
#include "core/names/names.hpp"
#include "core/simd/u8x16.hpp"
#include "core/tables/record_table.hpp"
#include "core/tables/tables.hpp"

using namespace btfmmap;

namespace {

void demand(bool good, const std::string& what) {
    if (!good) {
        std::printf("differs: %s\n", what.c_str());
        std::exit(1);
    }
}

struct Outcome {
    std::vector<std::uint32_t> offsets;
    std::vector<std::uint8_t> kinds;
    MaxReferences max_references;
    std::string error;

    bool operator==(const Outcome& other) const {
        return offsets == other.offsets && kinds == other.kinds && error == other.error;
    }
};

template <class Work>
std::string error_of(Work work) {
    try {
        work();
        return "";
    } catch (const Error& error) {
        return error.message + " at " + std::to_string(error.offset.value_or(0));
    }
}

// The versions of a fast loop that this processor runs.
std::vector<Vectors> versions() {
    std::vector<Vectors> versions{Vectors::baseline};
    if (best_vectors() != Vectors::baseline) {
        versions.push_back(best_vectors());
    }
    return versions;
}

// Scans in chains with the given vectors, if any.
Outcome scanned(Bytes types, ByteOrder order, std::optional<Vectors> in_chains) {
    Outcome outcome;
    outcome.offsets.resize(types.size / kHeadSize + 1);
    outcome.kinds.resize(types.size / kHeadSize + 1);
    ScannedRecords scanned{outcome.offsets.data(), outcome.kinds.data(), 0, 0, {}};
    if (in_chains) {
        scan_records_interleaved(types, order, kShapes, scanned, *in_chains);
    }
    outcome.error = error_of([&] { scan_records(types, order, kShapes, 0, 0, scanned); });
    outcome.offsets.resize(scanned.count);
    outcome.kinds.resize(scanned.count);
    outcome.max_references = scanned.max_references;
    return outcome;
}

Outcome compare_walks(Bytes types, ByteOrder order, const std::string& what) {
    const Outcome plain = scanned(types, order, std::nullopt);
    for (const Vectors vectors : versions()) {
        const Outcome fast = scanned(types, order, vectors);
        demand(fast == plain, what + ": " + plain.error);
        demand(fast.max_references.name_off >= plain.max_references.name_off &&
                   fast.max_references.type >= plain.max_references.type,
               what + ", its largest references");
    }
    return plain;
}

// Returns whether the fast check passes.
bool compare_checks(const Index& index, const Header& header) {
    const bool fast = references_valid_simd(index, header.string_size);
    for (const Vectors vectors : versions()) {
        demand(fast == references_valid_simd(index, header.string_size, vectors),
               "the versions of the check");
    }
    const std::string error = error_of([&] {
        each_invalid_reference(index, header.string_size, index.end_id(), 0,
                               [](Error&& bad) { throw std::move(bad); });
    });
    demand(!fast || error.empty(), "the fast check passes what the plain one refuses: " + error);
    return fast;
}

void compare_names(Bytes types, Bytes section, const Header& header) {
    const Index index(types, header.order, kShapes, nullptr, 0);
    const Strings strings(section, nullptr);
    std::map<std::string, std::vector<std::uint32_t>> expected{{"no such name", {}}};
    for (std::uint32_t row = 1; row < index.rows(); row += 1) {
        const std::string name(strings.at(index.name_off(row)));
        if (!name.empty()) {
            expected[name].push_back(row);
        }
    }
    const Kinds any = Kinds().set();
    const Names prepared(index, strings);
    prepared.prepare();
    std::size_t number = 0;
    for (const auto& [name, ids] : expected) {
        demand(prepared.find_all(name, any) == ids, "find_all of " + name);
        const auto lowest = ids.empty() ? std::nullopt : std::optional<std::uint32_t>(ids.front());
        demand(prepared.find(name, any) == lowest, "find of " + name);
        if (number++ % 500 == 0) {
            const Names fresh(index, strings);
            demand(fresh.find_all(name, any) == ids && !fresh.prepared(), "the scan for " + name);
        }
    }
}

using Items = std::vector<std::int64_t>;

// In the order of kTables.
enum class Rows { types, members, params, enumerators, arrays, ints, funcs, vars, secinfos, decl_tags };

// All tables, one record and one element after another.
class PlainTables {
public:
    struct Plain {
        Items cells;  // row by row
        std::size_t rows = 0;
        Items indptr;
    };

    explicit PlainTables(const Index& index) : index_(index), tables_(kTables.size()) {
        for (std::size_t row = 0; row != index.rows(); ++row) {
            note_first_elements();
            add_record(row);
        }
        note_first_elements();
    }

    const Plain& operator[](std::size_t table) const { return tables_[table]; }

private:
    void add(Rows number, std::initializer_list<std::int64_t> row) {
        Plain& table = tables_[static_cast<std::size_t>(number)];
        table.cells.insert(table.cells.end(), row);
        ++table.rows;
    }

    void note_first_elements() {
        for (Plain& table : tables_) {
            table.indptr.push_back(static_cast<std::int64_t>(table.rows));
        }
    }

    std::uint32_t word(std::size_t number) const { return index_.load(at_ + number * sizeof(std::uint32_t)); }

    void add_record(std::size_t row) {
        const std::int64_t id = index_.id(row);
        const Kind kind = index_.kind(row);
        at_ = index_.record(row);
        const bool real = row >= index_.first_record();
        const std::uint32_t name = real ? word(0) : 0, info = real ? word(1) : 0, last = real ? word(2) : 0;
        const bool flag = info_kind_flag(info);
        add(Rows::types,
            {id, static_cast<std::int64_t>(kind), flag, info_vlen(info), name, last, index_.offsets()[row]});
        at_ += kHeadSize;
        switch (kind) {
            case Kind::Int:
                return add(Rows::ints,
                           {id, last, int_encoding(word(0)), int_bit_offset(word(0)), int_bits(word(0))});
            case Kind::Array:
                return add(Rows::arrays, {id, word(0), word(1), word(2)});
            case Kind::Func:
                return add(Rows::funcs, {id, name, last, std::min<std::uint32_t>(info_vlen(info), 255)});
            case Kind::Var:
                return add(Rows::vars, {id, name, last, word(0)});
            case Kind::DeclTag:
                return add(Rows::decl_tags, {id, name, last, static_cast<std::int32_t>(word(0))});
            default:
                break;
        }
        const bool is_enum = kind == Kind::Enum || kind == Kind::Enum64;
        const bool meaning = flag || (is_enum && exceeds_size(row, kind, last));
        for (; at_ != index_.record(row + 1) && add_element(id, kind, meaning);) {
            at_ += shape_of(kind).element;
        }
    }

    // Returns whether a value of an enum exceeds an unsigned integer of `size` bytes, which makes all values
    // signed.
    bool exceeds_size(std::size_t row, Kind kind, std::uint32_t size) const {
        const std::uint64_t values = size == 0 || size >= 8 ? 0 : std::uint64_t{1} << (8 * size);
        bool exceeds = false;
        for (const std::byte* at = at_; at != index_.record(row + 1); at += shape_of(kind).element) {
            const std::uint64_t high = kind == Kind::Enum64 ? index_.load(at + 8) : 0;
            exceeds |= values != 0 && (high << 32 | index_.load(at + 4)) >= values;
        }
        return exceeds;
    }

    // Returns whether records of that kind have elements.
    bool add_element(std::int64_t id, Kind kind, bool flag) {
        switch (kind) {
            case Kind::Struct:
            case Kind::Union:
                add(Rows::members, {id, word(0), word(1), member_bit_offset(word(2), flag),
                                    member_bitfield_size(word(2), flag)});
                return true;
            case Kind::FuncProto:
                add(Rows::params, {id, word(0), word(1)});
                return true;
            case Kind::Enum: {
                const std::int64_t value =
                    flag ? std::int64_t{static_cast<std::int32_t>(word(1))} : std::int64_t{word(1)};
                add(Rows::enumerators, {id, word(0), value, flag});
                return true;
            }
            case Kind::Enum64: {
                const auto value = static_cast<std::int64_t>(std::uint64_t{word(2)} << 32 | word(1));
                add(Rows::enumerators, {id, word(0), value, flag});
                return true;
            }
            case Kind::Datasec:
                add(Rows::secinfos, {id, word(0), word(1), word(2)});
                return true;
            default:
                return false;
        }
    }

    const Index& index_;
    const std::byte* at_ = nullptr;
    std::vector<Plain> tables_;
};

std::int64_t item(const Column& column, std::size_t row) {
    const auto at = [&](auto type) {
        return static_cast<std::int64_t>(static_cast<const decltype(type)*>(column.data)[row]);
    };
    switch (column.format) {
        case '?':
        case 'B':
            return at(std::uint8_t{});
        case 'I':
            return at(std::uint32_t{});
        case 'i':
            return at(std::int32_t{});
        default:
            return at(std::int64_t{});
    }
}

// Compares the columns that were built.
void compare_columns(const std::string& name, const std::vector<Column>& columns,
                     const PlainTables::Plain& expected) {
    const auto is_indptr = [](const Column& column) { return column.name == std::string("indptr"); };
    const std::size_t width = columns.size() - std::count_if(columns.begin(), columns.end(), is_indptr);
    std::size_t place = 0;
    for (const Column& column : columns) {
        const std::string what = name + "." + column.name;
        const std::size_t own = place;
        place += !is_indptr(column);
        if (column.data == nullptr) {
            continue;
        }
        demand(column.rows == (is_indptr(column) ? expected.indptr.size() : expected.rows),
               "the length of " + what);
        for (std::size_t row = 0; row != column.rows; ++row) {
            const std::int64_t cell =
                is_indptr(column) ? expected.indptr[row] : expected.cells[row * width + own];
            if (item(column, row) != cell) {
                demand(false, what + "[" + std::to_string(row) + "]");
            }
        }
    }
}

// Builds the columns of each table at once, and a few at a time.
void compare_tables(const Index& index, std::mt19937& random) {
    const PlainTables plain(index);
    Arena arena(0);
    for (std::size_t number = 0; number != kTables.size(); ++number) {
        const std::string name(kTables[number].name);
        RecordTable at_once, bit_by_bit;
        at_once.build(kTables[number], index, arena, RecordTable::kAll);
        demand(at_once.rows() == plain[number].rows, "the rows of " + name);
        for (const Column& column : at_once.columns()) {
            demand(column.data != nullptr, name + "." + column.name);
        }
        compare_columns(name, at_once.columns(), plain[number]);
        for (int i = 0; i != 4; ++i) {
            bit_by_bit.build(kTables[number], index, arena, random() & RecordTable::kAll);
            demand(bit_by_bit.rows() == plain[number].rows, "the rows of " + name);
            compare_columns(name, bit_by_bit.columns(), plain[number]);
        }
    }
}

// Compares searches without an index for names that rows have, or would have at other offsets.
void compare_scans(const Index& index, const Strings& strings, std::mt19937& random) {
    const Kinds any = Kinds().set();
    for (int round = 0; round != 4; ++round) {
        const auto place = static_cast<std::int64_t>(random() % strings.end());
        const std::string name(strings.prefix(place, round % 2 == 0 ? 64 : 3));
        std::vector<std::uint32_t> expected;
        for (std::size_t row = index.first_record(); row != index.rows() && !name.empty(); ++row) {
            const std::uint32_t offset = index.name_off(row);
            if (offset < strings.end() && strings.prefix(offset, name.size() + 1) == name) {
                expected.push_back(index.id(row));
            }
        }
        const Names fresh(index, strings);
        demand(fresh.find_all(name, any) == expected && !fresh.prepared(), "a mutant's scan for " + name);
    }
}

// Compares all loops on a section that may be malformed. Returns whether its references are valid.
bool compare_all(Bytes section, const Strings& strings, const Header& header, const Index* base,
                 std::mt19937& random) {
    std::optional<Index> index;
    if (!error_of([&] { index.emplace(section, header.order, kShapes, base, 0); }).empty()) {
        return false;
    }
    if (random() % 10 == 0) {  // these take longer than all else
        compare_tables(*index, random);
        compare_scans(*index, strings, random);
    }
    return compare_checks(*index, header);
}

void compare_masks(std::mt19937& random) {
    std::uint8_t bytes[kMaskBits];
    for (int round = 0; round != 10000; ++round) {
        std::uint64_t expected = 0;
        std::vector<std::uint16_t> numbers;
        for (std::uint32_t i = 0; i != kMaskBits; ++i) {
            bytes[i] = static_cast<std::uint8_t>(random() % (round % 2 == 0 ? 3 : 256));
            if (bytes[i] == 0 || bytes[i] == 2) {
                expected |= std::uint64_t{1} << i;
                numbers.push_back(static_cast<std::uint16_t>(1000 + i));
            }
        }
        demand(match_mask<0, 2>(bytes) == expected, "match_mask");
        std::vector<std::uint16_t> appended(kMaskBits + kU16Lanes);
        appended.resize(static_cast<std::size_t>(append_set_bits(expected, U16x8{} + 1000, appended.data()) -
                                                 appended.data()));
        demand(appended == numbers, "append_set_bits");
    }
}

void compare_lanes(std::mt19937& random) {
    std::uint8_t bytes[sizeof(U8x16)];
    for (int round = 0; round != 10000; ++round) {
        unsigned expected = sizeof bytes;
        for (unsigned i = sizeof bytes; i-- != 0;) {
            bytes[i] = static_cast<std::uint8_t>(random() % (round % 2 == 0 ? 8 : 64));
            expected = bytes[i] == 0 ? i : expected;
        }
        U8x16 lanes;
        std::memcpy(&lanes, bytes, sizeof lanes);
        demand(first_set_lane(lane_mask(lanes == 0)) == expected, "first_set_lane");
    }
}

// Whether the string at an offset is an identifier of at most `limit` bytes that ends inside the section.
bool is_identifier(const std::string& section, std::size_t offset, std::size_t limit) {
    const std::size_t end = section.find('\0', offset);
    const std::string letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    return end != std::string::npos && end != offset && end - offset <= limit &&
           letters.find(section[offset]) != std::string::npos &&
           section.find_first_not_of(letters + "0123456789", offset) == end;
}

void compare_identifiers(std::mt19937& random) {
    const std::string alphabets[] = {std::string("a_Z9\0", 5),
                                     std::string("abcdefghijklmnopqrstuvwxyz\0", 27),
                                     std::string("abcdefghijklmnopqrstuvwxyz0123456789.\0", 38),
                                     std::string("@[`{/:\x80\xe1\xff\0aA", 12)};
    for (int round = 0; round != 2000; ++round) {
        const std::string& alphabet = alphabets[random() % 4];
        std::string sections[2];  // of a base and of a split BTF
        for (std::string& section : sections) {
            section.resize(random() % (round % 20 == 0 ? 2000 : 200));
            for (char& byte : section) {
                byte = alphabet[random() % alphabet.size()];
            }
            for (unsigned run = random() % 3; run != 0 && !section.empty(); --run) {
                const std::size_t at = random() % section.size();
                const std::size_t size = std::min<std::size_t>(section.size() - at, random() % 300);
                section.replace(at, size, size, 'x');
            }
        }
        const auto as_bytes = [](const std::string& text) {
            return Bytes{reinterpret_cast<const std::byte*>(text.data()), text.size()};
        };
        const Strings base(as_bytes(sections[0]), nullptr), split(as_bytes(sections[1]), &base);
        KnownIdentifiers alone(base), both(split);
        const std::size_t start = sections[0].size(), limit = KnownIdentifiers::kMaxSize;
        for (std::size_t i = 0; i != sections[0].size() + 2; ++i) {
            demand(alone.contains(i) == (i < start && is_identifier(sections[0], i, limit)), "identifiers");
        }
        for (std::size_t i = 0; i != start + sections[1].size() + 2; ++i) {
            const bool own = i >= start && i < split.end();
            demand(both.contains(i) == (own && is_identifier(sections[1], i - start, limit)),
                   "identifiers of a split BTF");
        }
        if (start != 0) {
            const std::size_t added = random() % start;
            both.add(added);
            demand(both.contains(added), "an added identifier");
        }
    }
}

}  // namespace

// fast_paths SEED MUTANTS FILE...
int main(int argc, char** argv) {
    std::mt19937 random(static_cast<unsigned>(std::atoi(argv[1])));
    const int mutants = std::atoi(argv[2]);
    compare_masks(random);
    compare_lanes(random);
    compare_identifiers(random);
    for (int argument = 3; argument != argc; ++argument) {
        std::ifstream file(argv[argument], std::ios::binary);
        const std::vector<char> original{std::istreambuf_iterator<char>(file), {}};
        const auto as_bytes = [](const std::vector<char>& data) {
            return Bytes{reinterpret_cast<const std::byte*>(data.data()), data.size()};
        };
        const Header header = parse_header(as_bytes(original), false);
        const Bytes types = as_bytes(original).slice(header.type_start(), header.type_size);
        const Outcome plain = compare_walks(types, header.order, argv[argument]);
        demand(plain.error.empty(), argv[argument]);
        const Index index(types, header.order, kShapes, nullptr, 0);
        demand(compare_checks(index, header), "the fast check of a good file");
        compare_tables(index, random);
        const Bytes string_section = as_bytes(original).slice(header.string_start(), header.string_size);
        compare_names(types, string_section, header);
        const Strings strings(string_section, nullptr);

        int accepted = 0;
        for (int mutant = 0; mutant != mutants; ++mutant) {
            // Copy the section alone, so that the sanitizer knows its end, and the word before it, which may
            // be read.
            constexpr std::size_t before = sizeof(std::uint32_t);
            std::vector<char> changed(
                original.begin() + static_cast<std::ptrdiff_t>(header.type_start() - before),
                original.begin() + static_cast<std::ptrdiff_t>(header.type_start() + header.type_size));
            for (unsigned change = 1 + random() % 3; change != 0; --change) {
                const std::size_t at = random() % changed.size();
                const std::size_t length = std::min<std::size_t>(changed.size() - at, 1 + random() % 16);
                for (std::size_t i = 0; i != length; ++i) {
                    changed[at + i] = static_cast<char>(random() % 4 == 0 ? random() : random() % 20);
                }
            }
            if (random() % 4 == 0) {
                changed.resize(before + random() % (changed.size() - before));
            }
            const Bytes section = as_bytes(changed).slice(before, changed.size() - before);
            compare_walks(section, header.order, "a mutant's walk");
            accepted += compare_all(section, strings, header, nullptr, random);
            compare_all(section, strings, header, &index, random);  // as a split BTF
        }
        std::printf("%s: %zu records, %d mutants, %d of them valid\n", argv[argument], plain.kinds.size(),
                    mutants, accepted);
    }
}
