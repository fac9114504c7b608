#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "core/btf/btf.hpp"
#include "core/core_relo/flavoured_names.hpp"

namespace btfmmap::core_relo {

// A type of a target that a root type of an object may refer to.
struct Candidate {
    std::uint32_t source;  // 0: the kernel; i: its module i - 1
    std::uint32_t id;
};

// A kernel against which objects are relocated: its BTF, and the BTFs of its modules, which are split BTFs on
// it. Finds types by their essential name. Immutable and thread-safe.
class Target {
public:
    explicit Target(std::shared_ptr<const Btf> kernel, std::vector<std::shared_ptr<const Btf>> modules = {});

    const Btf& btf(std::uint32_t source) const { return *sources_[source]->btf; }
    std::uint32_t sources() const { return static_cast<std::uint32_t>(sources_.size()); }

    // Returns the types of a kind with that essential name, in ascending order of IDs. ENUM and ENUM64 are
    // one kind. Types of the modules are returned only if the kernel itself has none.
    std::vector<Candidate> candidates(std::string_view essential, Kind kind) const;

private:
    // One BTF and the flavoured names of its own types.
    struct Level {
        std::shared_ptr<const Btf> btf;
        const Level* base;
        Lazy<FlavouredNames> flavoured;

        const FlavouredNames& names() const {
            return flavoured.get([this] {
                return FlavouredNames(btf->index(), btf->strings(),
                                      base == nullptr ? nullptr : &base->names());
            });
        }
    };

    const Level& level(const std::shared_ptr<const Btf>& btf);
    static std::vector<const Level*> chain(const Level& level);
    // Appends candidates of one level's own types.
    static void add(const Level& level, std::uint32_t source, std::string_view essential, const Kinds& kinds,
                    std::vector<Candidate>& found);

    std::vector<std::unique_ptr<Level>> levels_;
    std::vector<const Level*> sources_;
};

}  // namespace btfmmap::core_relo
