#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/diff/content.hpp"
#include "core/diff/kernel_types.hpp"

namespace btfmmap::diff {

// A definition of one kernel.
struct Definition {
    KernelTypes::TypeRef type;
    Class class_;
    std::uint32_t name;
    std::uint32_t tags;          // as one text, sorted; NULs separate them
    std::uint32_t linkage;       // of a function or variable
    std::uint32_t next = kNone;  // definition of the same name
    std::uint32_t entity = kNone;
    std::uint32_t version = 0;  // among those of the history
    std::int32_t number = 0;    // of the version among those of the entity
};

// All definitions of a kernel: its own, in the order of their IDs, then those of its modules.
class Definitions {
public:
    explicit Definitions(KernelTypes& types);

    std::vector<Definition>& all() { return all_; }

    // Returns the fingerprints of a definition. The sources must still have theirs.
    fingerprint::Depths depths(const Definition& definition) const;

    // Returns the number of the definition of a type; kNone if it is none.
    std::uint32_t of(KernelTypes::TypeRef type) const {
        const auto owned = types_.owned(type);
        return numbers_[owned.level][types_.row(owned)];
    }

private:
    struct DeclTag {
        std::uint32_t level, id;
        std::int32_t component;
        std::uint32_t name;
    };

    void find_tags(std::uint32_t level);
    void mark_references(std::uint32_t level);
    void add_level(std::uint32_t level);
    void add_named(std::uint32_t level, std::uint32_t row, std::uint32_t name_off);
    void add(KernelTypes::TypeRef type, Class class_, std::uint32_t name);
    void add_base_types(std::uint32_t level);
    bool is_tracepoint(KernelTypes::TypeRef type, std::uint32_t name) const;
    std::uint32_t tags_of(KernelTypes::TypeRef type, Class class_);
    std::uint32_t first_enumerator(KernelTypes::TypeRef type);

    KernelTypes& types_;
    std::vector<Definition> all_;
    std::vector<std::vector<std::uint32_t>> numbers_;    // per level and row
    std::vector<std::vector<std::uint8_t>> referenced_;  // likewise
    std::vector<DeclTag> tags_;
};

}  // namespace btfmmap::diff
