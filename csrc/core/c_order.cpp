#include "core/c_order.hpp"

#include <algorithm>
#include <string_view>

#include "core/dump_words.hpp"
#include "core/error.hpp"

namespace btfmmap {

namespace {

using std::uint32_t;
using std::uint64_t;

constexpr int kLastRank = 10;

// What a type is sorted by first: its rank, and the first bytes of a name, the first one highest.
struct Start {
    int rank;
    uint32_t id;
    uint64_t name;
};

// What those are sorted by that are alike so far; where the names are too, by a hash of what the types hold.
struct Key {
    std::string_view name;
    std::string_view own_name;
    uint32_t id;
};

// Sorts by merging ever longer runs: names may lie in bytes that someone changes meanwhile, and a sort that
// trusts its comparisons, as std::sort does, could then run out of its array.
template <class Item, class Before>
void merge_sort(std::vector<Item>& items, Before before) {
    std::vector<Item> merged(items.size());
    for (std::size_t run = 1; run < items.size(); run *= 2) {
        for (std::size_t start = 0; start < items.size(); start += 2 * run) {
            const auto place = [&](std::size_t at) {
                return items.begin() + static_cast<std::ptrdiff_t>(std::min(at, items.size()));
            };
            std::merge(place(start), place(start + run), place(start + run), place(start + 2 * run),
                       merged.begin() + static_cast<std::ptrdiff_t>(start), before);
        }
        items.swap(merged);
    }
}

class Order {
public:
    explicit Order(const Btf& btf)
        : btf_(btf), ends_(btf.index().end_id(), End{kUnknown, false}), hashes_{Hashes(btf), Hashes(btf)} {
        find_ends();
    }

    std::vector<uint32_t> sorted() {
        std::vector<Start> starts;
        starts.reserve(btf_.index().end_id());
        for (uint32_t id = 0; id != btf_.index().end_id(); ++id) {
            starts.push_back(start(id));
        }
        std::sort(starts.begin(), starts.end(), [](const Start& a, const Start& b) {
            return a.rank != b.rank ? a.rank < b.rank : a.name != b.name ? a.name < b.name : a.id < b.id;
        });
        std::vector<uint32_t> ids;
        ids.reserve(starts.size());
        std::vector<Key> alike;
        for (std::size_t from = 0; from != starts.size();) {
            std::size_t to = from + 1;
            if (to == starts.size() || !same(starts[from], starts[to])) {
                ids.push_back(starts[from++].id);
                continue;
            }
            alike.assign(1, key(starts[from].id));
            for (; to != starts.size() && same(starts[from], starts[to]); ++to) {
                alike.push_back(key(starts[to].id));
            }
            merge_sort(alike, [this](const Key& a, const Key& b) { return before(a, b); });
            for (const Key& each : alike) {
                ids.push_back(each.id);
            }
            from = to;
        }
        return ids;
    }

private:
    static bool same(const Start& a, const Start& b) { return a.rank == b.rank && a.name == b.name; }

    struct Hashes {
        explicit Hashes(const Btf& btf) : value(btf.index().end_id()), known(btf.index().end_id()) {}

        std::vector<uint64_t> value;
        std::vector<bool> known;
    };

    static std::string_view text(const DumpRecord& record, uint32_t offset) {
        return offset < record.btf->strings().end() ? record.btf->strings().at(offset) : std::string_view();
    }

    static std::string_view own_name(const DumpRecord& record) {
        return text(record, record.index->name_off(record.row));
    }

    // What PTR, TYPEDEF, ... and, for `arrays`, ARRAY stand for; false for any other kind.
    bool refers(const DumpRecord& record, uint32_t& to) const {
        switch (record.kind()) {
            case Kind::Array:
                to = record.word(kHeadSize + ArrayField::type);
                break;
            case Kind::TypeTag:
            case Kind::Const:
            case Kind::Ptr:
            case Kind::Volatile:
            case Kind::Restrict:
            case Kind::Typedef:
            case Kind::DeclTag:
                to = record.size_or_type();
                break;
            default:
                return false;
        }
        to = to < btf_.index().end_id() ? to : 0;  // the bytes may have changed since they were checked
        return true;
    }

    // Where the chain of references that starts at a type ends, and whether something on the way has a name.
    struct End {
        uint32_t id;
        bool named;
    };

    static constexpr uint32_t kUnknown = ~0U;

    // Each type is visited once, however the chains share their ends.
    void find_ends() {
        std::vector<uint32_t> path;
        for (uint32_t id = 0; id != ends_.size(); ++id) {
            uint32_t at = id;
            while (ends_[at].id == kUnknown) {
                const DumpRecord record(btf_, at);
                ends_[at] = {at, record.index->name_off(record.row) != 0};  // where a circle ends, too
                uint32_t next = 0;
                if (!refers(record, next)) {
                    break;
                }
                path.push_back(at);
                at = next;
            }
            for (End end = ends_[at]; !path.empty(); path.pop_back()) {
                end.named |= ends_[path.back()].named;
                ends_[path.back()] = end;
            }
        }
    }

    Start start(uint32_t id) const {
        const DumpRecord end(btf_, ends_[id].id);
        const DumpRecord record(btf_, id);
        // A reference without a name is sorted last, wherever it leads.
        const bool sorted_by_end = end.id == id || record.index->name_off(record.row) != 0;
        const std::string_view name = sort_name(end, end.id != id).substr(0, sizeof(uint64_t));
        Start start{sorted_by_end ? rank(end, ends_[id].named) : kLastRank, id, 0};
        for (std::size_t i = 0; i != sizeof start.name; ++i) {
            start.name = start.name << 8 | (i < name.size() ? static_cast<unsigned char>(name[i]) : 0);
        }
        return start;
    }

    Key key(uint32_t id) const {
        const DumpRecord end(btf_, ends_[id].id);
        return {sort_name(end, end.id != id), own_name(DumpRecord(btf_, id)), id};
    }

    static int rank(const DumpRecord& record, bool named) {
        switch (record.kind()) {
            case Kind::Enum:
            case Kind::Enum64:
                return named ? 1 : 0;
            case Kind::Int:
            case Kind::Float:
                return 2;
            case Kind::Struct:
            case Kind::Union:
                return named ? 3 : kLastRank;
            case Kind::FuncProto:
                return named ? 4 : kLastRank;
            default:
                return kLastRank;
        }
    }

    // An enum without a name goes by its first value's, unless it is only referred to.
    static std::string_view sort_name(const DumpRecord& record, bool referred) {
        const bool is_enum = record.kind() == Kind::Enum || record.kind() == Kind::Enum64;
        const std::string_view own = own_name(record);
        if (is_enum && !referred && record.index->name_off(record.row) == 0 && record.elements() != 0) {
            return text(record, record.load(record.element(0) + EnumField::name_off));
        }
        return own;
    }

    bool before(const Key& a, const Key& b) {
        if (const int order = a.name.compare(b.name)) {
            return order < 0;
        }
        if (const int order = a.own_name.compare(b.own_name)) {
            return order < 0;
        }
        const uint64_t left = hash(a.id, true);
        const uint64_t right = hash(b.id, true);
        return left != right ? left < right : a.id < b.id;
    }

    static uint64_t mixed(uint64_t hash, uint64_t value) { return hash * 31 + value; }

    static uint64_t with_name(uint64_t hash, const DumpRecord& record, uint32_t offset) {
        if (offset == 0) {
            return hash;
        }
        uint64_t name = 0;
        for (const char letter : text(record, offset)) {
            // bpftool's chars are signed on most machines.
            name = name * 31 +
                   static_cast<uint64_t>(static_cast<std::int64_t>(static_cast<signed char>(letter)));
        }
        return mixed(hash, name);
    }

    // Of a type's name and what it holds; with `members` of those of a struct too, by their names and their
    // types'. A chain of references is walked down and folded back, not descended into.
    uint64_t hash(uint32_t id, bool members) {
        Hashes& hashes = hashes_[members];
        if (hashes.known[id]) {
            return hashes.value[id];
        }
        std::vector<uint32_t> path;
        uint32_t at = id;
        uint64_t result = 0;
        while (!hashes.known[at]) {
            hashes.known[at] = true;  // a circle ends here, with the 0 that stands there
            uint32_t next = 0;
            const DumpRecord record(btf_, at);
            if (!refers(record, next)) {
                result = hashes.value[at] = hash_of(record, members);
                break;
            }
            path.push_back(at);
            at = next;
        }
        result = hashes.value[at];
        for (; !path.empty(); path.pop_back()) {
            const DumpRecord record(btf_, path.back());
            uint64_t folded = with_name(0, record, record.index->name_off(record.row));
            if (record.kind() == Kind::Array) {
                folded = mixed(folded, record.word(kHeadSize + ArrayField::nelems));
            }
            result = hashes.value[path.back()] = mixed(folded, result);
        }
        return hashes.value[id];
    }

    // Of what refers to nothing.
    uint64_t hash_of(const DumpRecord& record, bool members) {
        uint64_t hash = with_name(0, record, record.index->name_off(record.row));
        const Kind kind = record.kind();
        const bool is_enum = kind == Kind::Enum || kind == Kind::Enum64;
        const bool is_struct = kind == Kind::Struct || kind == Kind::Union;
        if (!is_enum && !(is_struct && members)) {
            return hash;
        }
        const uint32_t count = record.elements();
        for (uint32_t i = 0; i != count; ++i) {
            const std::byte* element = record.element(i);
            hash = with_name(hash, record, record.load(element + MemberField::name_off));
            if (is_struct) {
                const uint32_t type = record.load(element + MemberField::type);
                hash = mixed(hash, this->hash(type < btf_.index().end_id() ? type : 0, false));
            }
        }
        return hash;
    }

    const Btf& btf_;
    std::vector<End> ends_;
    Hashes hashes_[2];
};

}  // namespace

std::vector<uint32_t> c_order(const Btf& btf) { return Order(btf).sorted(); }

}  // namespace btfmmap
