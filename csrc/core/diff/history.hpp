#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "core/base/arena.hpp"
#include "core/diff/content.hpp"
#include "core/diff/definitions.hpp"
#include "core/diff/interner.hpp"
#include "core/diff/kernel_types.hpp"

namespace btfmmap::diff {

// The versions of an entity, as their indices in the history. Most entities have one.
class VersionList {
public:
    std::size_t size() const { return size_; }
    std::uint32_t operator[](std::size_t number) const { return number == 0 ? first_ : others_[number - 1]; }
    std::uint32_t back() const { return (*this)[size_ - 1]; }
    void push_back(std::uint32_t version) {
        if (size_ == 0) {
            first_ = version;
        } else {
            others_.push_back(version);
        }
        ++size_;
    }
    void pop_back() {
        if (--size_ != 0) {
            others_.pop_back();
        }
    }

private:
    std::uint32_t first_ = 0, size_ = 0;
    std::vector<std::uint32_t> others_;
};

// A struct, union, enum, function, ... that one or more kernels define.
struct Entity {
    Class class_;
    std::uint32_t name;
    bool uncertain = false;      // whether namesakes were told apart by their order only
    std::uint32_t next = kNone;  // entity of the same name
    VersionList versions = {};
};

// The definitions of several kernels. A definition is one version of an entity as long as its fingerprints,
// tags and linkage are the same.
//
// Kernels are added one after the other. Only the latest two are kept. What a version consists of is read
// when it is asked for, or when the last of the kept kernels that have it is closed. Reading all of a kernel
// takes longer than everything else, and most of it never changes.
class History {
public:
    static constexpr std::int32_t kAbsent = -1;

    History();
    ~History();

    // Adds a kernel. Throws Error (not_supported) if its names exceed a limit; nothing is added then. Not to
    // be called once other threads have the history.
    void add_kernel(const std::vector<Source>& sources);
    // Adds a kernel that has nothing.
    void add_missing() { presence_.emplace_back(); }

    std::uint32_t kernels() const { return static_cast<std::uint32_t>(presence_.size()); }
    const std::vector<Entity>& entities() const { return entities_; }
    const Interner& names() const { return names_; }
    const Interner& spellings() const { return spellings_; }

    // To be held while anything below, names() or spellings() are used.
    std::mutex& mutex() { return mutex_; }

    // Returns the number of the version of an entity among its own; kAbsent if the kernel has none.
    std::int32_t presence(std::uint32_t entity, std::uint32_t kernel) const {
        const auto& of_kernel = presence_[kernel];
        return entity < of_kernel.size() ? of_kernel[entity] : kAbsent;
    }
    // Returns a version, whose members may not have been read.
    const Version& version(std::uint32_t entity, std::int32_t number) const {
        const std::uint32_t index = entities_[entity].versions[static_cast<std::size_t>(number)];
        return versions_[index];
    }
    // Returns the entities of a class and name, in their order. `name` is a number of names().
    std::vector<std::uint32_t> find(Class class_, std::uint32_t name) const;
    // Reads the members of a version, unless they were read. Throws Error (not_supported) if those of its
    // kernel exceed a limit.
    void read(std::uint32_t entity, std::int32_t number);
    // Returns a version that was read. The view is valid until another kernel is added.
    VersionView view(std::uint32_t entity, std::int32_t number) const {
        return VersionView(version(entity, number));
    }

private:
    struct Kernel;
    class Addition;

    void read(std::uint32_t version);
    void close_previous();
    void remove_since(std::size_t entities, std::size_t versions);

    Interner names_;
    Interner spellings_;
    std::vector<Version> versions_;
    Arena contents_;  // of versions
    std::vector<Entity> entities_;
    std::vector<std::uint32_t> first_entity_;          // by name
    std::vector<std::vector<std::int32_t>> presence_;  // per kernel and entity; may be shorter
    std::unique_ptr<Kernel> latest_, previous_;
    std::mutex mutex_;
};

}  // namespace btfmmap::diff
