#include "core/c_order.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "core/dump_words.hpp"
#include "core/merge_sort.hpp"

namespace btfmmap {

namespace {

using std::uint32_t;
using std::uint64_t;

constexpr std::size_t kLastRank = 5;

// What a type of a rank is sorted by first: the first bytes of a name, the first one highest.
struct Start {
    uint64_t name;
    uint32_t id;
};

// What those are sorted by that are alike so far. Namesakes are sorted by a hash of what they hold.
struct Key {
    std::string_view name;
    std::string_view own_name;
    uint32_t id;
};

class Order {
public:
    Order(const Btf& btf, CLimits& limits)
        : btf_(btf),
          limits_(limits),
          ends_(btf.index().end_id(), End{kUnknown, false}),
          hashes_{Hashes(btf), Hashes(btf)} {
        find_ends();
    }

    std::vector<uint32_t> sorted() {
        std::array<std::vector<Start>, kLastRank + 1> ranks;
        for (uint32_t id = 0; id != btf_.index().end_id(); ++id) {
            if (is_written(btf_.index().kind_of(id))) {
                const DumpRecord end(btf_, ends_[id].id);
                ranks[rank(id, end)].push_back({first_letters(sort_name(end, end.id != id)), id});
            }
        }
        std::vector<uint32_t> ids;
        ids.reserve(btf_.index().end_id());
        for (std::vector<Start>& starts : ranks) {
            append_by_start(starts, ids);
        }
        return ids;
    }

private:
    // Functions are half of a kernel's types, but only kfuncs are written, in an order of their own.
    static bool is_written(Kind kind) {
        return kind != Kind::Func && kind != Kind::Var && kind != Kind::Datasec && kind != Kind::DeclTag;
    }

    void append_by_start(std::vector<Start>& starts, std::vector<uint32_t>& ids) {
        std::sort(starts.begin(), starts.end(), [](const Start& a, const Start& b) {
            return a.name != b.name ? a.name < b.name : a.id < b.id;
        });
        std::vector<Key> alike;
        for (auto from = starts.begin(); from != starts.end();) {
            auto to = from + 1;
            if (to == starts.end() || to->name != from->name) {
                ids.push_back(from->id);
            } else {
                alike.assign(1, key(from->id));
                for (; to != starts.end() && to->name == from->name; ++to) {
                    alike.push_back(key(to->id));
                }
                append_by_name(alike, ids);
            }
            from = to;
        }
    }

    struct Hashes {
        explicit Hashes(const Btf& btf) : value(btf.index().end_id()), known(btf.index().end_id()) {}

        std::vector<uint64_t> value;
        std::vector<bool> known;
    };

    std::string_view text(uint32_t offset) const {
        if (offset >= btf_.strings().end()) {
            return {};
        }
        const std::string_view text = btf_.strings().at(offset);
        limits_.spend(text.size());
        return text;
    }

    static uint32_t name_off(const DumpRecord& record) { return record.index->name_off(record.row); }

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
        to = record.checked(to);
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
                ends_[at] = {at, name_off(record) != 0};  // where a circle ends, too
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

    // Of the string at an offset, as a number that compares as they do.
    uint64_t first_letters(uint32_t offset) const {
        uint64_t letters = 0;
        if (offset < btf_.strings().end()) {
            const std::string_view name = btf_.strings().prefix(offset, sizeof letters);
            for (std::size_t i = 0; i != sizeof letters; ++i) {
                letters = letters << 8 | (i < name.size() ? static_cast<unsigned char>(name[i]) : 0);
            }
        }
        return letters;
    }

    Key key(uint32_t id) const {
        const DumpRecord end(btf_, ends_[id].id);
        return {text(sort_name(end, end.id != id)), text(name_off(DumpRecord(btf_, id))), id};
    }

    // `end` is that of the type. A reference without a name comes last, wherever it leads.
    std::size_t rank(uint32_t id, const DumpRecord& end) const {
        if (end.id != id && name_off(DumpRecord(btf_, id)) == 0) {
            return kLastRank;
        }
        const bool named = ends_[id].named;
        switch (end.kind()) {
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

    // The offset of the name that a type is sorted by: of an enum without one its first value's, unless it is
    // only referred to.
    static uint32_t sort_name(const DumpRecord& record, bool referred) {
        const bool is_enum = record.kind() == Kind::Enum || record.kind() == Kind::Enum64;
        const uint32_t own = name_off(record);
        return is_enum && !referred && own == 0 && record.elements() != 0
                   ? record.load(record.element(0) + EnumField::name_off)
                   : own;
    }

    void append_by_name(std::vector<Key>& keys, std::vector<uint32_t>& ids) {
        const auto order = [this](const Key& a, const Key& b) {
            limits_.spend(a.name.size() + a.own_name.size());
            const int names = a.name.compare(b.name);
            return names != 0 ? names : a.own_name.compare(b.own_name);
        };
        merge_sort(keys, [&](const Key& a, const Key& b) { return order(a, b) < 0; });
        std::vector<std::pair<uint64_t, uint32_t>> namesakes;
        for (auto from = keys.begin(); from != keys.end();) {
            auto to = from + 1;
            for (; to != keys.end() && order(*from, *to) == 0; ++to) {
            }
            if (to - from == 1) {
                ids.push_back(from->id);
            } else {
                namesakes.clear();
                for (; from != to; ++from) {
                    namesakes.emplace_back(hash(from->id, true), from->id);
                }
                std::sort(namesakes.begin(), namesakes.end());
                for (const auto& [hash, id] : namesakes) {
                    ids.push_back(id);
                }
            }
            from = to;
        }
    }

    static uint64_t mixed(uint64_t hash, uint64_t value) { return hash * 31 + value; }

    uint64_t with_name(uint64_t hash, uint32_t offset) const {
        if (offset == 0) {
            return hash;
        }
        uint64_t name = 0;
        for (const char letter : text(offset)) {
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
            uint64_t folded = with_name(0, name_off(record));
            if (record.kind() == Kind::Array) {
                folded = mixed(folded, record.word(kHeadSize + ArrayField::nelems));
            }
            result = hashes.value[path.back()] = mixed(folded, result);
        }
        return hashes.value[id];
    }

    // Of what refers to nothing.
    uint64_t hash_of(const DumpRecord& record, bool members) {
        uint64_t hash = with_name(0, name_off(record));
        const Kind kind = record.kind();
        const bool is_enum = kind == Kind::Enum || kind == Kind::Enum64;
        const bool is_struct = kind == Kind::Struct || kind == Kind::Union;
        if (!is_enum && !(is_struct && members)) {
            return hash;
        }
        const uint32_t count = record.elements();
        for (uint32_t i = 0; i != count; ++i) {
            const std::byte* element = record.element(i);
            hash = with_name(hash, record.load(element + MemberField::name_off));
            if (is_struct) {
                hash = mixed(hash, this->hash(record.element_type(i, MemberField::type), false));
            }
        }
        return hash;
    }

    const Btf& btf_;
    CLimits& limits_;
    std::vector<End> ends_;
    Hashes hashes_[2];
};

}  // namespace

std::vector<uint32_t> c_order(const Btf& btf, CLimits& limits) { return Order(btf, limits).sorted(); }

}  // namespace btfmmap
