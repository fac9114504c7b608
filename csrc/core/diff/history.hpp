#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "core/diff/content.hpp"
#include "core/diff/definitions.hpp"
#include "core/diff/interner.hpp"
#include "core/diff/kernel_types.hpp"

namespace btfmmap::diff {

// A struct, union, enum, function, ... that one or more kernels define.
struct Entity {
    Class class_;
    std::uint32_t name;
    bool uncertain = false;      // whether namesakes were told apart by their order only
    std::uint32_t next = kNone;  // entity of the same class and name
    std::vector<std::uint64_t> versions = {};
};

// The definitions of several kernels. Kernels are added one after the other, and copied from: none of them
// needs to stay open. A definition is one version of an entity as long as its fingerprints, tags and linkage
// are the same.
class History {
public:
    static constexpr std::int32_t kAbsent = -1;

    // Throws Error (not_supported) if the kernel exceeds a limit. Nothing is added then, but names.
    void add_kernel(const std::vector<Source>& sources);
    // Adds a kernel that has nothing.
    void add_missing() { presence_.emplace_back(); }

    std::uint32_t kernels() const { return static_cast<std::uint32_t>(presence_.size()); }
    const std::vector<Entity>& entities() const { return entities_; }
    const Contents& contents() const { return contents_; }
    const Interner& names() const { return names_; }
    const Interner& spellings() const { return spellings_; }

    // Returns the number of the version of an entity among its own; kAbsent if the kernel has none.
    std::int32_t presence(std::uint32_t entity, std::uint32_t kernel) const {
        const auto& of_kernel = presence_[kernel];
        return entity < of_kernel.size() ? of_kernel[entity] : kAbsent;
    }
    VersionView view(std::uint32_t entity, std::int32_t version) const {
        return {contents_, entities_[entity].versions[static_cast<std::size_t>(version)]};
    }

private:
    class Addition;

    Interner names_;
    Interner spellings_;
    Contents contents_;
    std::vector<Entity> entities_;
    std::vector<std::uint32_t> first_entity_;          // by name and class
    std::vector<std::vector<std::int32_t>> presence_;  // per kernel and entity; may be shorter
};

}  // namespace btfmmap::diff
