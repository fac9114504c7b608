#include "core/dump/c_order.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <utility>

#include "core/base/merge_sort.hpp"
#include "core/btf/record.hpp"
#include "core/dump/reference_chains.hpp"

namespace btfmmap {

namespace {

using std::uint32_t;
using std::uint64_t;

constexpr std::size_t kLastRank = 5;

// The first sort key of a type within its rank: the first bytes of a name, the first one most significant.
struct PrefixKey {
    uint64_t name;
    uint32_t id;
};

// The second sort key, for types whose first keys are equal. Types with equal names are then sorted by a hash
// of their contents.
struct NameKey {
    std::string_view name;
    std::string_view own_name;
    uint32_t id;
};

class Order {
public:
    Order(const Btf& btf, CLimits& limits)
        : btf_(btf),
          limits_(limits),
          chains_(btf),
          complete_(btf.index().end_id()),
          hashes_{Hashes(btf), Hashes(btf)} {}

    std::vector<uint32_t> sorted() {
        std::array<std::vector<PrefixKey>, kLastRank> ranks;
        std::vector<uint32_t> last_rank;
        for (uint32_t id = 0; id != btf_.index().end_id(); ++id) {
            if (!is_ordered(btf_.index().kind_of(id))) {
                continue;
            }
            const std::size_t rank_of_id = rank(id);
            if (rank_of_id == kLastRank) {
                last_rank.push_back(id);
                complete_[id] = is_complete(chains_[id]);
            } else {
                ranks[rank_of_id].push_back(prefix_key(id));
                complete_[id] = true;
            }
        }
        std::vector<uint32_t> ids;
        for (std::vector<PrefixKey>& keys : ranks) {
            append_by_prefix(keys, ids);
        }
        std::vector<PrefixKey> keys = incomplete_types(last_rank, ids);
        append_by_prefix(keys, ids);
        return ids;
    }

private:
    // FUNCs are half of a kernel's types. Only kfuncs are written, in a separate order.
    static bool is_ordered(Kind kind) {
        return kind != Kind::Func && kind != Kind::Var && kind != Kind::Datasec && kind != Kind::DeclTag;
    }

    PrefixKey prefix_key(uint32_t id) const {
        const uint32_t end = chains_[id].end;
        return {name_prefix(sort_name(TypeRecord(btf_, end), end != id)), id};
    }

    // Whether each type on a chain is void or of a rank before the last.
    static bool is_complete(const ReferenceChains::Chain& chain) {
        switch (chain.end_kind) {
            case Kind::Int:
            case Kind::Float:
            case Kind::Enum:
            case Kind::Enum64:
                return true;
            case Kind::Struct:
            case Kind::Union:
                return chain.end_named;
            case Kind::Void:
                return !chain.some_named;
            default:
                return false;
        }
    }

    // Returns the types of the last rank that need a type not in `ids`, which holds the types of the other
    // ranks. Most types of a kernel are of the last rank and need nothing else, so sorting them would be
    // wasted. A type that refers to a later prototype counts as incomplete, which does no harm.
    std::vector<PrefixKey> incomplete_types(const std::vector<uint32_t>& last_rank,
                                            const std::vector<uint32_t>& ids) {
        // The first type in the order is not written unless another one needs it. Types whose chains end at
        // the same type as its chain are not distinguished from it.
        const uint32_t missing = ids.empty() ? 0 : chains_[ids.front()].end;
        complete_[ids.empty() ? 0 : ids.front()] = false;
        std::vector<PrefixKey> keys;
        for (const uint32_t id : last_rank) {
            const uint32_t end = chains_[id].end;
            const Kind kind = chains_[id].end_kind;
            if (end == missing) {
                complete_[id] = false;
            } else if (kind == Kind::FuncProto || is_composite(kind)) {
                complete_[id] = end == id ? elements_are_complete(TypeRecord(btf_, id)) : complete_[end];
            }
            if (!complete_[id]) {
                keys.push_back(prefix_key(id));
            }
        }
        return keys;
    }

    bool elements_are_complete(const TypeRecord& record) const {
        const bool returns = record.kind() == Kind::FuncProto;
        std::uint8_t all = returns ? complete_[record.target()] : 1;
        const std::size_t field = returns ? ParamField::type : MemberField::type;
        record.each_element([&](const std::byte* element) {
            all &= complete_[record.valid_or_void(record.load(element + field))];
        });
        return all != 0;
    }

    void append_by_prefix(std::vector<PrefixKey>& keys, std::vector<uint32_t>& ids) {
        std::sort(keys.begin(), keys.end(), [](const PrefixKey& a, const PrefixKey& b) {
            return a.name != b.name ? a.name < b.name : a.id < b.id;
        });
        std::vector<NameKey> ties;
        for (auto from = keys.begin(); from != keys.end();) {
            auto to = from + 1;
            if (to == keys.end() || to->name != from->name) {
                ids.push_back(from->id);
            } else {
                ties.assign(1, key(from->id));
                for (; to != keys.end() && to->name == from->name; ++to) {
                    ties.push_back(key(to->id));
                }
                append_by_name(ties, ids);
            }
            from = to;
        }
    }

    struct Hashes {
        explicit Hashes(const Btf& btf)
            : value(new uint64_t[btf.index().end_id()]), known(btf.index().end_id()) {}

        std::unique_ptr<uint64_t[]> value;  // valid where known; few are
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

    static uint32_t name_off(const TypeRecord& record) { return record.index->name_off(record.row); }

    // Returns the first bytes of the string at an offset, as a number that compares as they do.
    uint64_t name_prefix(uint32_t offset) const {
        uint64_t prefix = 0;
        if (offset < btf_.strings().end()) {
            const std::string_view name = btf_.strings().prefix(offset, sizeof prefix);
            for (std::size_t i = 0; i != sizeof prefix; ++i) {
                prefix = prefix << 8 | (i < name.size() ? static_cast<unsigned char>(name[i]) : 0);
            }
        }
        return prefix;
    }

    NameKey key(uint32_t id) const {
        const uint32_t end = chains_[id].end;
        return {text(sort_name(TypeRecord(btf_, end), end != id)), text(name_off(TypeRecord(btf_, id))), id};
    }

    // Returns the rank of a type. An anonymous reference has the last rank, wherever it leads.
    std::size_t rank(uint32_t id) const {
        const ReferenceChains::Chain& chain = chains_[id];
        if (chain.end != id && !chain.first_named) {
            return kLastRank;
        }
        switch (chain.end_kind) {
            case Kind::Enum:
            case Kind::Enum64:
                return chain.some_named ? 1 : 0;
            case Kind::Int:
            case Kind::Float:
                return 2;
            case Kind::Struct:
            case Kind::Union:
                return chain.some_named ? 3 : kLastRank;
            case Kind::FuncProto:
                return chain.some_named ? 4 : kLastRank;
            default:
                return kLastRank;
        }
    }

    // Returns the offset of the name that a type is sorted by. An anonymous enum is sorted by the name of its
    // first value, unless it is only referred to.
    static uint32_t sort_name(const TypeRecord& record, bool referred) {
        const uint32_t own = name_off(record);
        return is_enum(record.kind()) && !referred && own == 0 && record.elements() != 0
                   ? record.load(record.element(0) + EnumField::name_off)
                   : own;
    }

    void append_by_name(std::vector<NameKey>& keys, std::vector<uint32_t>& ids) {
        const auto order = [this](const NameKey& a, const NameKey& b) {
            limits_.spend(a.name.size() + a.own_name.size());
            const int names = a.name.compare(b.name);
            return names != 0 ? names : a.own_name.compare(b.own_name);
        };
        merge_sort(keys, [&](const NameKey& a, const NameKey& b) { return order(a, b) < 0; });
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

    static uint64_t mix(uint64_t hash, uint64_t value) { return hash * 31 + value; }

    uint64_t mix_name(uint64_t hash, uint32_t offset) const {
        if (offset == 0) {
            return hash;
        }
        uint64_t name = 0;
        for (const char character : text(offset)) {
            // bpftool uses plain char, which is signed on most machines.
            name = name * 31 +
                   static_cast<uint64_t>(static_cast<std::int64_t>(static_cast<signed char>(character)));
        }
        return mix(hash, name);
    }

    // Hashes the name and contents of a type. With `members`, includes those of a struct, by their names and
    // the names of their types. Follows a chain of references in a loop and folds it back, without recursion.
    uint64_t hash(uint32_t id, bool members) {
        Hashes& hashes = hashes_[members];
        if (hashes.known[id]) {
            return hashes.value[id];
        }
        std::vector<uint32_t> path;
        uint32_t at = id;
        uint64_t result = 0;
        while (!hashes.known[at]) {
            hashes.known[at] = true;
            hashes.value[at] = 0;  // ends a cycle here
            uint32_t next = 0;
            const TypeRecord record(btf_, at);
            if (!ReferenceChains::refers(record, next)) {
                result = hashes.value[at] = hash_of(record, members);
                break;
            }
            path.push_back(at);
            at = next;
        }
        result = hashes.value[at];
        for (; !path.empty(); path.pop_back()) {
            const TypeRecord record(btf_, path.back());
            uint64_t folded = mix_name(0, name_off(record));
            if (record.kind() == Kind::Array) {
                folded = mix(folded, record.word(kHeadSize + ArrayField::nelems));
            }
            result = hashes.value[path.back()] = mix(folded, result);
        }
        return hashes.value[id];
    }

    // Hashes a type that is not a link of a chain.
    uint64_t hash_of(const TypeRecord& record, bool members) {
        uint64_t hash = mix_name(0, name_off(record));
        const Kind kind = record.kind();
        if (!is_enum(kind) && !(is_composite(kind) && members)) {
            return hash;
        }
        const uint32_t count = record.elements();
        for (uint32_t i = 0; i != count; ++i) {
            const std::byte* element = record.element(i);
            hash = mix_name(hash, record.load(element + MemberField::name_off));
            if (is_composite(kind)) {
                hash = mix(hash, this->hash(record.element_type(i, MemberField::type), false));
            }
        }
        return hash;
    }

    const Btf& btf_;
    CLimits& limits_;
    ReferenceChains chains_;
    std::vector<std::uint8_t> complete_;  // whether a type needs only types before the last rank
    Hashes hashes_[2];
};

}  // namespace

std::vector<uint32_t> c_order(const Btf& btf, CLimits& limits) { return Order(btf, limits).sorted(); }

}  // namespace btfmmap
