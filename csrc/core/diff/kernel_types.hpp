#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/analysis/btf_sizes.hpp"
#include "core/btf/record.hpp"
#include "core/diff/interner.hpp"
#include "core/fingerprint/fingerprints.hpp"

namespace btfmmap::diff {

// One BTF of a kernel: that of the kernel itself, or of a module.
struct Source {
    std::shared_ptr<const BtfSizes> sizes;
    std::shared_ptr<const Fingerprints> fingerprints;
    std::string module;  // empty for the kernel itself
};

// The types of one kernel, and how C spells them. Each type is spelled once, without recursion.
class KernelTypes {
public:
    // A type ID, and the level whose BTF it belongs to or is above.
    struct TypeRef {
        std::uint32_t level;
        std::uint32_t id;
    };

    // Each source's base must precede it; otherwise throws Error (invalid_argument). Refers to the sources.
    KernelTypes(const std::vector<Source>& sources, Interner& names, Interner& spellings);

    std::uint32_t levels() const { return static_cast<std::uint32_t>(levels_.size()); }
    const Btf& btf(std::uint32_t level) const { return levels_[level].source->sizes->btf(); }
    const Sizes& sizes(std::uint32_t level) const { return levels_[level].source->sizes->sizes(); }
    const Source& source(std::uint32_t level) const { return *levels_[level].source; }
    // Returns the name of a level's module.
    std::uint32_t module(std::uint32_t level) const { return levels_[level].module; }

    // The same type, with the level whose BTF has its record. The ID must be below the level's end.
    TypeRef owned(TypeRef type) const {
        while (type.id < levels_[type.level].first_id) {
            type.level = levels_[type.level].parent;
        }
        return type;
    }
    TypeRecord record(TypeRef type) const { return {btf(type.level), type.id}; }
    std::size_t row(TypeRef owned) const { return owned.id - levels_[owned.level].first_id; }

    // Interns the string at an offset. Throws Error (not_supported) if the strings that were asked for exceed
    // a limit: a hostile file can point a million names at one string of megabytes.
    std::uint32_t name(std::uint32_t level, std::uint32_t offset);
    // Makes the memory that name() needs for some offsets, at most Interner::kBatch, arrive early.
    void prefetch_names(std::uint32_t level, const std::uint32_t* offsets, std::size_t count) const;
    // Interns a text, under the same limit.
    std::uint32_t text(std::string_view text);
    // Counts bytes against that limit: those of a text that is yet to be made.
    void spend(std::uint64_t bytes);
    bool is_unnamed(std::uint32_t level, std::uint32_t offset) const;

    // Returns the spelling of a type, up to named types.
    std::uint32_t spelling(TypeRef type);
    // Returns that of a member that is a struct or union without a name, or an array of these: their content
    // does not count.
    std::uint32_t holder_spelling(TypeRef type);

    // Returns the named type or number that a type consists of: below qualifiers, tags and arrays. The ID is
    // 0 for a pointer, prototype, declaration, void, or a type without a name.
    TypeRef embedded(TypeRef type) const;
    // Returns the struct, union or enum below qualifiers and tags, and arrays if `arrays`; ID 0 for others,
    // and for those with a name.
    TypeRef unnamed(TypeRef type, bool arrays) const;

    // Whether the type below qualifiers and tags is an array.
    bool is_array(TypeRef type) const;

    std::string_view name_text(std::uint32_t name) const { return names_.text(name); }
    std::string chain_text(std::uint32_t chain) const { return std::string(names_.text(chain)); }

    // Whether the members of a struct without a name may be read as those of another one. In a hostile file,
    // such structs may be shared so often that there would be exponentially many.
    bool take_members(std::uint32_t count);

private:
    enum class State : std::uint8_t { unknown, entered, done };

    struct Level {
        const Source* source;
        std::uint32_t parent;
        std::uint32_t first_id;
        std::uint32_t module;
        std::vector<std::uint32_t> spellings;
        std::vector<State> states;
    };

    bool is_done(TypeRef type) const;
    template <class Visit>
    void each_part(TypeRef type, Visit visit) const;
    std::uint32_t build(TypeRef owned);
    std::uint32_t known(TypeRef type) const;
    std::uint32_t node() {
        return spellings_.intern({reinterpret_cast<const char*>(words_.data()), words_.size() * 4});
    }
    std::uint32_t composite(TypeRef owned);
    std::uint32_t enumeration(TypeRef owned);
    std::uint32_t modified(std::uint32_t qualifier, std::uint32_t inner);

    std::vector<Level> levels_;
    Interner& names_;
    Interner& spellings_;
    std::vector<TypeRef> pending_;
    std::vector<std::uint32_t> words_;
    std::uint64_t bytes_left_;
    std::uint64_t members_left_;
};

}  // namespace btfmmap::diff
