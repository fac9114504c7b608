#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/base/seeded_hash.hpp"
#include "core/btf/record.hpp"
#include "core/core_relo/budget.hpp"
#include "core/core_relo/evaluation.hpp"
#include "core/core_relo/target_match.hpp"

namespace btfmmap::writing {

// Collects the types and members of a kernel that relocations need, by the rules of bpftool's
// `gen min_core_btf`:
//
// - a field needs its root, the members on its way and their types, through typedefs, qualifiers and arrays
//   but not through pointers;
// - a type needs what it refers to, through pointers too, but no members;
// - a type that must match needs all members, except those of structs behind pointers;
// - an enumerator needs its whole enum.
//
// bpftool gives up at a FWD, and before a type tag. Here a FWD is kept, and a type tag is a qualifier.
class CoreMarks {
public:
    explicit CoreMarks(const Btf& kernel);

    // Marks what the relocations of one object need. `outcomes` has theirs against `target`, whose kernel is
    // this one. What only a module has is left out.
    //
    // Of the types that match a root, the first one is enough, as for bpftool. All of them are marked if a
    // relocation fails with them, as far as it comes, so that it fails with the marked types, too.
    void add(const core_relo::Object& object, const core_relo::Target& target,
             const std::vector<core_relo::Outcome>& outcomes);

    // Writes a standalone BTF of what is marked, in the order of the kernel's IDs. Other types that the
    // records refer to are void.
    std::vector<std::byte> write(ByteOrder order) const;

private:
    // How a type is needed.
    enum Need : std::uint8_t {
        kept = 1,
        along_pointers = 2,
        whole = 4,                 // to match, with all members
        whole_behind_pointer = 8,  // to match, as what a pointer refers to
    };
    struct Pending {
        std::uint32_t type;
        Need need;
    };

    void mark_candidate(const core_relo::Object& object, const core_relo::Relocation& relocation,
                        std::uint32_t candidate, core_relo::Budget& budget);
    void mark(std::uint32_t type, Need need);
    void mark_pending(std::uint32_t type, Need need);
    void mark_references(const TypeRecord& record, Need need);
    void mark_members(const TypeRecord& record);
    std::vector<bool>& members_of(const TypeRecord& record);

    const Btf& kernel_;
    std::vector<std::uint8_t> needs_;                                           // by type ID
    std::unordered_map<std::uint32_t, std::vector<bool>, SeededHash> members_;  // by type ID
    std::vector<Pending> pending_;
    std::vector<core_relo::MemberStep> steps_;
};

}  // namespace btfmmap::writing
