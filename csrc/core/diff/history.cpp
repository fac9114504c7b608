#include "core/diff/history.hpp"

#include <algorithm>

#include "core/base/error.hpp"
#include "core/diff/content_builder.hpp"
#include "core/diff/namesakes.hpp"

namespace btfmmap::diff {

namespace {

using std::int32_t;
using std::size_t;
using std::uint32_t;
using std::uint64_t;

constexpr uint64_t kNoVersion = UINT64_MAX;
constexpr uint64_t kNamesakeBudget = uint64_t{1} << 26;  // steps per kernel

}  // namespace

// Adds one kernel to a History.
class History::Addition {
public:
    Addition(History& to, const std::vector<Source>& sources)
        : to_(to),
          types_(sources, to.names_, to.spellings_),
          definitions_(types_),
          builder_(types_, to.contents_),
          kernel_(to.kernels()) {}

    void run() {
        const size_t keys = size_t{to_.names_.size()} * kClasses;
        to_.first_entity_.resize(keys, kNone);
        group(keys);
        for (uint32_t number = 0; number != all().size(); ++number) {
            if (is_first_[number]) {
                assign(number);
            }
        }
        for (Definition& definition : all()) {
            find_version(definition);
        }
        find_embedded();
        std::vector<int32_t> presence(to_.entities_.size(), kAbsent);
        for (const Definition& definition : all()) {
            presence[definition.entity] = static_cast<int32_t>(definition.version);
        }
        to_.presence_.push_back(std::move(presence));
    }

private:
    std::vector<Definition>& all() { return definitions_.all(); }

    uint32_t& first_entity(const Definition& definition) {
        return to_.first_entity_[size_t{definition.name} * kClasses + static_cast<size_t>(definition.class_)];
    }

    // Chains the definitions of each class and name in their order.
    void group(size_t keys) {
        std::vector<uint32_t> last(keys, kNone);
        is_first_.resize(all().size());
        for (uint32_t number = 0; number != all().size(); ++number) {
            const Definition& definition = all()[number];
            uint32_t& before =
                last[size_t{definition.name} * kClasses + static_cast<size_t>(definition.class_)];
            is_first_[number] = before == kNone;
            if (before != kNone) {
                all()[before].next = number;
            }
            before = number;
        }
    }

    // Finds or adds the entities of a definition and its namesakes.
    void assign(uint32_t first) {
        Definition& definition = all()[first];
        const uint32_t entity = first_entity(definition);
        const bool only = definition.next == kNone;
        if (only && entity == kNone) {
            add_entity(definition);
        } else if (only && to_.entities_[entity].next == kNone) {
            definition.entity = entity;
        } else {
            assign_namesakes(first, entity);
        }
    }

    void add_entity(Definition& definition) {
        uint32_t& first = first_entity(definition);
        definition.entity = static_cast<uint32_t>(to_.entities_.size());
        to_.entities_.push_back({definition.class_, definition.name, false, first});
        first = definition.entity;
    }

    void assign_namesakes(uint32_t first, uint32_t first_entity) {
        std::vector<uint32_t> entities, numbers;
        for (uint32_t entity = first_entity; entity != kNone; entity = to_.entities_[entity].next) {
            entities.push_back(entity);
        }
        std::reverse(entities.begin(), entities.end());
        for (uint32_t number = first; number != kNone; number = all()[number].next) {
            numbers.push_back(number);
        }
        std::vector<Namesake> olds, news;
        for (const uint32_t entity : entities) {
            const Version& version = to_.contents_.versions[latest(entity)];
            olds.push_back({version.layout, version.declaration, version.deep, 0, {}});
        }
        for (const uint32_t number : numbers) {
            const Definition& definition = all()[number];
            news.push_back({definition.layout, definition.declaration, definition.deep, 0, {}});
        }
        NamesakePairing pairing(olds, news);
        pairing.pair_equal();
        const auto free_olds = pairing.free_olds(), free_news = pairing.free_news();
        if (!free_olds.empty() && !free_news.empty()) {
            for (const uint32_t each : free_olds) {
                describe(latest(entities[each]), olds[each]);
            }
            for (const uint32_t each : free_news) {
                describe(build(all()[numbers[each]]), news[each]);
            }
            pairing.pair_similar(budget_);
        }
        for (const Pairing& pair : pairing.pairs()) {
            Definition& definition = all()[numbers[pair.new_number]];
            definition.entity = entities[pair.old_number];
            to_.entities_[definition.entity].uncertain |= pair.uncertain;
        }
        for (const uint32_t number : numbers) {
            if (all()[number].entity == kNone) {
                add_entity(all()[number]);
            }
        }
    }

    // The number of the version of an entity in the last kernel that has it.
    uint64_t latest(uint32_t entity) const {
        const Entity& of = to_.entities_[entity];
        for (uint32_t kernel = kernel_; kernel-- != 0;) {
            const int32_t version = to_.presence(entity, kernel);
            if (version != kAbsent) {
                return of.versions[static_cast<size_t>(version)];
            }
        }
        return of.versions.front();
    }

    void describe(uint64_t version, Namesake& namesake) const {
        const VersionView view(to_.contents_, version);
        const bool is_function = view.version.holds == Version::Holds::parameters;
        namesake.size = is_function ? view.count : view.version.size;
        for (uint32_t i = 0; i != view.count; ++i) {
            const Member& member = view.members[i];
            namesake.features.push_back(is_function ? uint64_t{member.path} << 32 | member.type
                                                    : member.path);
        }
        std::sort(namesake.features.begin(), namesake.features.end());
    }

    // Copies the contents of a definition; returns their number.
    uint64_t build(Definition& definition) {
        if (definition.version == kNoVersion) {
            Version version;
            version.layout = definition.layout;
            version.declaration = definition.declaration;
            version.deep = definition.deep;
            version.tags = definition.tags;
            version.linkage = definition.linkage;
            version.kernel = kernel_;
            version.module = types_.text(types_.source(definition.type.level).module);
            builder_.build(definition.type, definition.class_, version);
            definition.version = to_.contents_.versions.size();
            to_.contents_.versions.push_back(version);
        }
        return definition.version;
    }

    // Replaces the number of the contents, if there is one, by that of the version among those of the entity.
    void find_version(Definition& definition) {
        auto& versions = to_.entities_[definition.entity].versions;
        size_t number = versions.size();
        while (number != 0 && !is_version(definition, to_.contents_.versions[versions[number - 1]])) {
            --number;
        }
        if (number == 0) {
            const uint64_t added = build(definition);
            to_.contents_.versions[added].entity = definition.entity;
            versions.push_back(added);
            number = versions.size();
        }
        definition.version = number - 1;
    }

    static bool is_version(const Definition& definition, const Version& version) {
        return version.deep == definition.deep && version.declaration == definition.declaration &&
               version.layout == definition.layout && version.tags == definition.tags &&
               version.linkage == definition.linkage;
    }

    void find_embedded() {
        for (const auto& part : builder_.parts()) {
            const uint32_t number = definitions_.of(part.type);
            const uint32_t entity = number == kNone ? kNone : all()[number].entity;
            (part.is_container ? to_.contents_.containers[part.number].embedded
                               : to_.contents_.members[part.number].embedded) = entity;
        }
    }

    History& to_;
    KernelTypes types_;
    Definitions definitions_;
    ContentBuilder builder_;
    uint32_t kernel_;
    std::vector<bool> is_first_;
    uint64_t budget_ = kNamesakeBudget;
};

void History::add_kernel(const std::vector<Source>& sources) {
    const size_t versions = contents_.versions.size(), members = contents_.members.size(),
                 containers = contents_.containers.size(), entities = entities_.size();
    try {
        Addition(*this, sources).run();
    } catch (...) {
        while (entities_.size() != entities) {
            const Entity& last = entities_.back();
            first_entity_[size_t{last.name} * kClasses + static_cast<size_t>(last.class_)] = last.next;
            entities_.pop_back();
        }
        for (Entity& entity : entities_) {
            while (!entity.versions.empty() && entity.versions.back() >= versions) {
                entity.versions.pop_back();
            }
        }
        contents_.versions.resize(versions);
        contents_.members.resize(members);
        contents_.containers.resize(containers);
        throw;
    }
}

}  // namespace btfmmap::diff
