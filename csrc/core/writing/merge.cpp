#include "core/writing/merge.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "core/base/error.hpp"
#include "core/writing/partition.hpp"

namespace btfmmap::writing {

namespace {

using std::uint32_t;
using std::uint64_t;

constexpr std::size_t kWord = sizeof(uint32_t);

constexpr std::size_t kMaxReferences = INT32_MAX;

// The forward declarations that are resolved may make more of them unique, so this is repeated.
constexpr unsigned kMaxRounds = 16;

// All types of some BTFs and their bases, numbered through from 1; 0 is void. The records have the names of
// one pool, and 0 in place of type IDs.
class Concatenation {
public:
    Concatenation(const std::vector<std::shared_ptr<const Btf>>& btfs, StringPool& strings)
        : strings_(strings) {
        starts_ = {0, 0};
        graph_.first = {0, 0};
        for (const auto& btf : btfs) {
            for (const Btf* level : btf->levels()) {
                add_level(*level);
            }
        }
        label();
    }

    LabelledGraph& graph() { return graph_; }
    uint32_t nodes() const { return static_cast<uint32_t>(heads_.size()); }
    const Head& head(uint32_t node) const { return heads_[node]; }

    // Returns the nodes of the types of a BTF and its bases, by their IDs.
    IdMap nodes_of(const Btf& btf) const {
        IdMap nodes(btf.index().end_id(), 0);
        for (const Btf* level : btf.levels()) {
            const Index& index = level->index();
            uint32_t node = levels_.at(level);
            for (std::size_t row = index.first_record(); row != index.rows(); ++row) {
                nodes[index.id(row)] = node++;
            }
        }
        return nodes;
    }

    // Appends a record to a draft that has the strings. `ids` maps nodes.
    void write(uint32_t node, const std::vector<uint32_t>& ids, Draft& draft) const {
        const std::size_t count = starts_[node + 1] - starts_[node];
        Head head = heads_[node];
        uint32_t reference = graph_.first[node];
        if (shape_of(head.kind).head_refers) {
            head.size_or_type = ids[graph_.references[reference++]];
        }
        uint32_t* to = draft.add(head, count);
        std::copy_n(words_.data() + starts_[node], count, to);
        each_type_word(head.kind, count,
                       [&](std::size_t word) { to[word] = ids[graph_.references[reference++]]; });
    }

private:
    void add_level(const Btf& level) {
        const Index& index = level.index();
        const uint32_t first = nodes();
        if (!levels_.try_emplace(&level, first).second) {
            return;
        }
        IdMap nodes = level.base() == nullptr ? IdMap() : nodes_of(*level.base());
        nodes.resize(index.end_id());
        for (std::size_t row = index.first_record(); row != index.rows(); ++row) {
            nodes[index.id(row)] = static_cast<uint32_t>(first + row - index.first_record());
        }
        std::unordered_map<uint32_t, uint32_t, SeededHash> names;
        for (std::size_t row = index.first_record(); row != index.rows(); ++row) {
            add_record(TypeRecord(level, index.id(row)), nodes, names);
        }
    }

    void add_record(const TypeRecord& record, const IdMap& nodes,
                    std::unordered_map<uint32_t, uint32_t, SeededHash>& names) {
        check_known(record);
        const auto pooled = [&](uint32_t offset) {
            const auto [known, added] = names.try_emplace(offset, 0);
            if (added && offset != 0) {
                known->second = strings_.add(record.btf->strings().at(offset));
            }
            return known->second;
        };
        Head head = head_of(record);
        const Shape& shape = shape_of(head.kind);
        head.name_off = pooled(head.name_off);
        if (shape.head_refers) {
            graph_.references.push_back(nodes[record.valid_or_void(head.size_or_type)]);
            head.size_or_type = 0;
        }
        const std::byte* from = record.index->record(record.row) + kHeadSize;
        const auto count = static_cast<std::size_t>(record.index->record(record.row + 1) - from) / kWord;
        const std::size_t start = words_.size();
        for (std::size_t i = 0; i != count; ++i) {
            words_.push_back(record.load(from + i * kWord));
        }
        uint32_t* words = words_.data() + start;
        if (shape.element != 0 && shape.element_name != Shape::kNone) {
            for (std::size_t at = (shape.fixed + static_cast<std::size_t>(shape.element_name)) / kWord;
                 at < count; at += shape.element / kWord) {
                words[at] = pooled(words[at]);
            }
        }
        each_type_word(head.kind, count, [&](std::size_t word) {
            graph_.references.push_back(nodes[record.valid_or_void(std::exchange(words[word], 0))]);
        });
        if (graph_.references.size() > kMaxReferences) {
            throw Error::not_supported("the types have too many references to be merged");
        }
        heads_.push_back(head);
        starts_.push_back(words_.size());
        graph_.first.push_back(static_cast<uint32_t>(graph_.references.size()));
    }

    // Calls `visit(word)` for each word after the head that is a type ID.
    template <class Visit>
    static void each_type_word(Kind kind, std::size_t count, Visit visit) {
        const Shape& shape = shape_of(kind);
        for (std::size_t word = 0; word != shape.fixed_types; ++word) {
            visit(word);
        }
        if (shape.element != 0 && shape.element_type != Shape::kNone) {
            for (std::size_t at = (shape.fixed + static_cast<std::size_t>(shape.element_type)) / kWord;
                 at < count; at += shape.element / kWord) {
                visit(at);
            }
        }
    }

    // Gives nodes the same label if their records are equal apart from type IDs.
    void label() {
        std::vector<uint32_t> order(nodes());
        std::iota(order.begin(), order.end(), 0U);
        std::sort(order.begin(), order.end(), [this](uint32_t a, uint32_t b) {
            const int compared = compare(a, b);
            return compared != 0 ? compared < 0 : a < b;
        });
        graph_.labels.assign(nodes(), 0);
        uint32_t label = 0;
        for (std::size_t i = 1; i < order.size(); ++i) {
            label += compare(order[i - 1], order[i]) != 0;
            graph_.labels[order[i]] = label;
        }
    }

    int compare(uint32_t a, uint32_t b) const {
        const auto key = [this](uint32_t node) {
            const Head& head = heads_[node];
            // Those that are never the same are told apart by their number.
            const bool single = node == 0 || head.kind == Kind::Var || head.kind == Kind::Datasec;
            return std::make_tuple(head.kind, head.name_off, head.size_or_type, head.vlen, head.flag,
                                   starts_[node + 1] - starts_[node], single ? node : 0);
        };
        const auto left = key(a), right = key(b);
        if (left != right) {
            return left < right ? -1 : 1;
        }
        const auto words = [this](uint32_t node) { return words_.data() + starts_[node]; };
        const std::size_t count = starts_[a + 1] - starts_[a];
        const auto differ = std::mismatch(words(a), words(a) + count, words(b));
        return differ.first == words(a) + count ? 0 : *differ.first < *differ.second ? -1 : 1;
    }

    StringPool& strings_;
    std::vector<Head> heads_{Head{Kind::Void}};
    std::vector<uint32_t> words_;                      // after the heads
    std::vector<std::size_t> starts_;                  // of each node in words_
    std::unordered_map<const Btf*, uint32_t> levels_;  // the first node of each
    LabelledGraph graph_;
};

// Finds, for declarations, the definition that they stand for.
class Declarations {
public:
    explicit Declarations(const Concatenation& types) {
        for (uint32_t node = 1; node != types.nodes(); ++node) {
            const Head& head = types.head(node);
            if (head.name_off == 0) {
                continue;
            }
            if (head.kind == Kind::Fwd || (head.kind == Kind::Enum && head.vlen == 0)) {
                names_[key(head)].declarations.push_back(node);
            } else if (is_composite(head.kind) || is_enum(head.kind)) {
                names_[key(head)].definitions.push_back(node);
            }
        }
    }

    // Sets `meant` to the definitions of declarations, by node. Returns whether one changed.
    bool resolve(const std::vector<uint32_t>& classes, std::vector<uint32_t>& meant) const {
        bool changed = false;
        for (const auto& [name, nodes] : names_) {
            const auto& [declarations, definitions] = nodes;
            if (declarations.empty() || definitions.empty() ||
                meant[declarations.front()] != declarations.front()) {
                continue;
            }
            const uint32_t first = definitions.front();
            const bool unique = std::all_of(definitions.begin(), definitions.end(),
                                            [&](uint32_t node) { return classes[node] == classes[first]; });
            if (unique || name.second == Kind::Enum) {
                for (const uint32_t node : declarations) {
                    meant[node] = first;
                }
                changed = true;
            }
        }
        return changed;
    }

private:
    // The name, and whether it is that of a struct, union or enum.
    static std::pair<uint32_t, Kind> key(const Head& head) {
        if (head.kind == Kind::Fwd) {
            return {head.name_off, head.flag ? Kind::Union : Kind::Struct};
        }
        return {head.name_off, is_enum(head.kind) ? Kind::Enum : head.kind};
    }

    // The types of one name. Its declarations are all resolved at once.
    struct Nodes {
        std::vector<uint32_t> declarations, definitions;
    };

    std::map<std::pair<uint32_t, Kind>, Nodes> names_;
};

// Returns for each node the first one that is the same type.
std::vector<uint32_t> first_equal(Concatenation& types) {
    const Declarations declarations(types);
    LabelledGraph graph = types.graph();
    std::vector<uint32_t> meant(types.nodes());
    std::iota(meant.begin(), meant.end(), 0U);
    std::vector<uint32_t> classes = equal_nodes(graph);
    for (unsigned round = 0; round != kMaxRounds && declarations.resolve(classes, meant); ++round) {
        for (std::size_t i = 0; i != graph.references.size(); ++i) {
            graph.references[i] = meant[types.graph().references[i]];
        }
        classes = equal_nodes(graph);
    }
    std::vector<uint32_t> first_of_class(types.nodes(), kDropped);
    std::vector<uint32_t> first(types.nodes());
    for (uint32_t node = 0; node != types.nodes(); ++node) {
        uint32_t& known = first_of_class[classes[node]];
        known = known == kDropped && meant[node] == node ? node : known;
    }
    for (uint32_t node = 0; node != types.nodes(); ++node) {
        first[node] = first_of_class[classes[meant[node]]];
    }
    return first;
}

}  // namespace

Merged merge(const std::vector<std::shared_ptr<const Btf>>& btfs, ByteOrder order) {
    Draft draft(order, nullptr);
    Concatenation types(btfs, draft.strings());
    const std::vector<uint32_t> first = first_equal(types);
    std::vector<uint32_t> ids(types.nodes(), 0);
    uint32_t next = draft.next_id();
    for (uint32_t node = 1; node != types.nodes(); ++node) {
        ids[node] = first[node] == node ? next++ : 0;
    }
    for (uint32_t node = 1; node != types.nodes(); ++node) {
        ids[node] = ids[first[node]];
    }
    for (uint32_t node = 1; node != types.nodes(); ++node) {
        if (first[node] == node) {
            types.write(node, ids, draft);
        }
    }
    Merged merged{draft.build(), {}};
    for (const auto& btf : btfs) {
        IdMap map = types.nodes_of(*btf);
        for (uint32_t& id : map) {
            id = ids[id];
        }
        merged.ids.push_back(std::move(map));
    }
    return merged;
}

}  // namespace btfmmap::writing
