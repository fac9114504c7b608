#include "core/analysis/layout_members.hpp"

#include <unordered_map>

#include "core/analysis/layout.hpp"

namespace btfmmap {

namespace {

using std::uint32_t;
using std::uint64_t;

// The layouts of the structs and unions that fields are members of.
class ParentLayouts {
public:
    struct Layout {
        std::vector<MemberPlacement> placements;
        uint32_t first;  // the number of the member with the lowest offset
    };

    explicit ParentLayouts(const BtfSizes& sizes) : sizes_(sizes) {}

    const Layout& of(uint32_t parent) {
        const auto [entry, inserted] = layouts_.try_emplace(parent);
        if (inserted) {
            const BtfSizes& owner = sizes_.owner(parent);
            entry->second = {member_placements(owner.btf(), owner.sizes(), parent),
                             member_ends(TypeRecord(owner.btf(), parent)).first};
        }
        return entry->second;
    }

private:
    const BtfSizes& sizes_;
    std::unordered_map<uint32_t, Layout> layouts_;
};

}  // namespace

std::vector<LayoutMember> layout_members(const BtfSizes& sizes, uint32_t type_id) {
    std::vector<LayoutMember> members;
    ParentLayouts layouts(sizes);
    FieldWalk walk(sizes.btf(), sizes.sizes(), type_id);
    Field field{};
    while (walk.next(field)) {
        const auto& path = walk.path();
        const MemberPlacement& placement = layouts.of(field.parent).placements[field.number];
        LayoutMember member{field, path.back().bit_offset / 8 + placement.offset, placement.hole,
                            placement.bit_hole, placement.size};
        for (std::size_t i = path.size() - 1; i != 0; --i) {
            if (path[i].number != layouts.of(path[i].parent).first) {
                break;
            }
            const MemberPlacement& outer = layouts.of(path[i - 1].parent).placements[path[i - 1].number];
            member.hole += outer.hole;
            member.bit_hole += outer.bit_hole;
        }
        members.push_back(member);
    }
    return members;
}

}  // namespace btfmmap
