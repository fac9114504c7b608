#include "core/paths/distances.hpp"

#include <map>

#include "core/btf/record.hpp"

namespace btfmmap {

using std::uint32_t;

bool has_name(const Btf& btf, uint32_t name_off) {
    return name_off != 0 && btf.strings().checked_rest(name_off).data[0] != std::byte{0};
}

uint32_t Distances::member_number(uint32_t parent, uint32_t row) const {
    std::size_t level = levels_.size() - 1;
    while (parent < levels_[level].first_id) {
        --level;
    }
    return row - levels_[level].first_member[parent - levels_[level].first_id];
}

// States wait in one list per distance. Whoever reaches a state again nearer adds it again; the entry of the
// greater distance is then skipped.
class Distances::Search {
public:
    Search(Distances& all, const Graph& graph, const PathQuery& query)
        : all_(all),
          btf_(graph.btf()),
          edges_(graph.reverse()),
          labels_(graph.reverse_labels()),
          query_(query) {}

    void run() {
        for (const uint32_t target : query_.targets) {
            reach(all_.state(target, Layer::inside), Distance::zero(), kNone);
        }
        while (!pending_.empty()) {
            // Steps without a distance add to the list while it is read.
            const Distance distance = pending_.begin()->first;
            std::vector<uint32_t>& states = pending_.begin()->second;
            for (std::size_t i = 0; i != states.size(); ++i) {
                if (all_.distances_[states[i]] == distance) {
                    leave(states[i], distance);
                }
            }
            pending_.erase(pending_.begin());
        }
    }

private:
    void reach(uint32_t state, Distance distance, uint32_t end) {
        if (!(distance < all_.distances_[state]) || !distance.within_limits() ||
            distance.pointers() > query_.max_pointers + 1 || query_.avoids(all_.type(state))) {
            return;
        }
        all_.distances_[state] = distance;
        all_.ends_[state] = end;
        if (last_ == nullptr || distance != last_distance_) {
            last_ = &pending_[distance];
            last_distance_ = distance;
        }
        last_->push_back(state);
    }

    // Reaches all states from which a step leads to this one.
    void leave(uint32_t state, Distance distance) {
        const uint32_t type = all_.type(state);
        const Layer layer = all_.layer(state);
        const Kind kind = btf_.index().kind_of(type);
        if (all_.layers_ != 1) {
            if (layer == Layer::inside) {
                // Modifiers are reached from the fresh layer of the type below, which is at least as near.
                if (!is_modifier(kind) || distance == Distance::zero()) {
                    reach(all_.state(type, Layer::fresh), distance, all_.ends_[state]);
                }
            } else if (is_composite(kind)) {
                lower(type, layer, distance);
            }
        }
        if (layer == Layer::raised) {
            return;
        }
        const bool is_stop = is_composite(kind) || distance == Distance::zero();
        const uint32_t end = is_stop ? state : all_.end(state);
        for (uint32_t edge = edges_.indptr[type]; edge != edges_.indptr[type + 1]; ++edge) {
            const uint32_t from = edges_.indices[edge];
            switch (static_cast<Role>(labels_.role[edge])) {
                case Role::pointee:
                    if (layer == all_.fresh()) {
                        reach(all_.state(from, Layer::inside), distance + Distance::pointer(), end);
                    }
                    break;
                case Role::underlying:
                    reach(all_.state(from, layer), distance, end);
                    break;
                case Role::element:
                    if (layer == Layer::inside) {
                        reach(all_.state(from, layer), distance + Distance::detour(), end);
                    }
                    break;
                case Role::member:
                    if (layer == Layer::inside) {
                        reach_parent(from, labels_.row[edge], type, distance);
                    }
                    break;
                default:
                    break;
            }
        }
    }

    // A member of this row and type of a struct or union.
    void reach_parent(uint32_t parent, uint32_t row, uint32_t type, Distance distance) {
        const uint32_t number = all_.member_number(parent, row);
        if (query_.avoids(parent, number)) {
            return;
        }
        const TypeRecord record(btf_, parent);
        if (has_name(btf_, record.load(record.element(number) + MemberField::name_off))) {
            reach(all_.state(parent, Layer::inside), distance + Distance::member(), kNone);
        } else if (is_embedded(type)) {
            reach(all_.state(parent, Layer::inside), distance + Distance::detour(), kNone);
        }
    }

    // Reaches the types of a struct's members, from which paths lead up to it.
    void lower(uint32_t parent, Layer layer, Distance distance) {
        if ((layer == Layer::raised) == has_name(btf_, TypeRecord(btf_, parent).word(HeadField::name_off))) {
            return;
        }
        const TypeRecord record(btf_, parent);
        uint32_t number = 0;
        record.each_element([&](const std::byte* element) {
            const uint32_t own = number++;
            uint32_t type = record.valid_or_void(record.load(element + MemberField::type));
            const bool named = has_name(btf_, record.load(element + MemberField::name_off));
            if (query_.avoids(parent, own) || !(type = embedded(type))) {
                return;
            }
            const Distance there = distance + (named ? Distance::member() : Distance::detour());
            reach(all_.state(type, Layer::fresh), there, kNone);
            if (!has_name(btf_, TypeRecord(btf_, type).word(HeadField::name_off))) {
                reach(all_.state(type, Layer::raised), there, kNone);
            }
        });
    }

    // Returns the struct or union below typedefs and qualifiers; 0 if there is none. Chains are a few types
    // long; longer ones count as none, so that hostile ones cannot take long.
    uint32_t embedded(uint32_t type) const {
        for (unsigned steps = 0; steps != kMaxModifiers; ++steps) {
            const Kind kind = btf_.index().kind_of(type);
            if (is_composite(kind)) {
                return type;
            }
            if (!is_modifier(kind)) {
                return 0;
            }
            type = TypeRecord(btf_, type).target();
        }
        return 0;
    }

    bool is_embedded(uint32_t type) const { return embedded(type) != 0; }

    static constexpr unsigned kMaxModifiers = 64;

    Distances& all_;
    const Btf& btf_;
    const Edges& edges_;
    const Labels& labels_;
    const PathQuery& query_;
    std::map<Distance, std::vector<uint32_t>> pending_;
    std::vector<uint32_t>* last_ = nullptr;  // the list of last_distance_
    Distance last_distance_ = Distance::zero();
};

Distances::Distances(const Graph& graph, const PathQuery& query)
    : types_(graph.btf().index().end_id()),
      layers_(query.up ? 3 : 1),
      distances_(std::size_t{types_} * layers_, Distance::infinite()),
      ends_(distances_.size(), kNone) {
    for (const Btf* level : graph.btf().levels()) {
        const RecordTable& members = level->table("members", {"indptr"});
        levels_.push_back(
            {level->index().first_id(), static_cast<const uint32_t*>(members.column("indptr").data)});
    }
    Search(*this, graph, query).run();
}

}  // namespace btfmmap
