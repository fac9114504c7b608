#include "core/core_relo/target.hpp"

#include <algorithm>
#include <utility>

#include "core/core_relo/essential_name.hpp"

namespace btfmmap::core_relo {

namespace {

Kinds same_kinds(Kind kind) {
    Kinds kinds;
    kinds.set(static_cast<std::size_t>(kind));
    if (is_enum(kind)) {
        kinds.set(static_cast<std::size_t>(Kind::Enum)).set(static_cast<std::size_t>(Kind::Enum64));
    }
    return kinds;
}

}  // namespace

Target::Target(std::shared_ptr<const Btf> kernel, std::vector<std::shared_ptr<const Btf>> modules) {
    sources_.push_back(&level(kernel));
    for (const auto& module : modules) {
        sources_.push_back(&level(module));
    }
}

// Returns the level of a BTF; adds it and its bases, the lowest first, unless they are there.
const Target::Level& Target::level(const std::shared_ptr<const Btf>& btf) {
    const auto known = [this](const Btf* wanted) -> const Level* {
        const auto found = std::find_if(levels_.begin(), levels_.end(),
                                        [wanted](const auto& each) { return each->btf.get() == wanted; });
        return found == levels_.end() ? nullptr : found->get();
    };
    std::vector<std::shared_ptr<const Btf>> missing;
    std::shared_ptr<const Btf> lowest = btf;
    for (; lowest != nullptr && known(lowest.get()) == nullptr; lowest = lowest->base()) {
        missing.push_back(lowest);
    }
    const Level* last = known(lowest.get());
    for (; !missing.empty(); missing.pop_back()) {
        auto added = std::make_unique<Level>();
        added->btf = missing.back();
        added->base = last;
        last = levels_.emplace_back(std::move(added)).get();
    }
    return *last;
}

// Returns a level and its bases, the lowest first. Builds their names in this order, so that no level has to
// build that of its base.
std::vector<const Target::Level*> Target::chain(const Level& level) {
    std::vector<const Level*> levels;
    for (const Level* each = &level; each != nullptr; each = each->base) {
        levels.push_back(each);
    }
    std::reverse(levels.begin(), levels.end());
    for (const Level* each : levels) {
        each->names();
    }
    return levels;
}

void Target::add(const Level& level, std::uint32_t source, std::string_view essential, const Kinds& kinds,
                 std::vector<Candidate>& found) {
    const Index& index = level.btf->index();
    const std::size_t start = found.size();
    // A name that itself contains a separator has another essential name.
    if (essential_size(essential) == essential.size()) {
        for (const std::uint32_t id : level.btf->names().find_all(essential, kinds)) {
            found.push_back({source, id});
        }
    }
    const std::size_t plain = found.size();
    level.names().each(essential, [&](std::uint32_t row) {
        if (kinds[index.kinds()[row]]) {
            found.push_back({source, index.id(row)});
        }
    });
    if (plain != start && plain != found.size()) {
        std::sort(found.begin() + static_cast<std::ptrdiff_t>(start), found.end(),
                  [](const Candidate& a, const Candidate& b) { return a.id < b.id; });
    }
}

std::vector<Candidate> Target::candidates(std::string_view essential, Kind kind) const {
    const Kinds kinds = same_kinds(kind);
    std::vector<Candidate> found;
    for (const Level* each : chain(*sources_[0])) {
        add(*each, 0, essential, kinds, found);
    }
    if (found.empty()) {
        for (std::uint32_t source = 1; source != sources_.size(); ++source) {
            add(*chain(*sources_[source]).back(), source, essential, kinds, found);
        }
    }
    return found;
}

}  // namespace btfmmap::core_relo
