#include "core/diff/history.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <new>

#include "core/base/block.hpp"
#include "core/base/error.hpp"
#include "core/diff/content_builder.hpp"
#include "core/diff/namesakes.hpp"

namespace btfmmap::diff {

namespace {

using std::int32_t;
using std::size_t;
using std::uint32_t;
using std::uint64_t;

constexpr uint64_t kChunk = uint64_t{1} << 20;
constexpr uint64_t kNamesakeBudget = uint64_t{1} << 26;  // steps per kernel

template <class Item>
const Item* kept(Arena& arena, const std::vector<Item>& items) {
    Item* copy = arena.allocate<Item>(items.size());
    std::uninitialized_copy(items.begin(), items.end(), copy);
    return copy;
}

}  // namespace

// A kernel that definitions can be read from.
struct History::Kernel {
    Kernel(const std::vector<Source>& from, History& to)
        : number(to.kernels()),
          sources(from),
          types(sources, to.names_, to.spellings_),
          definitions(types),
          builder(types) {}

    uint32_t number;
    std::vector<Source> sources;
    KernelTypes types;
    Definitions definitions;
    ContentBuilder builder;
};

// Adds one kernel to a History.
class History::Addition {
public:
    Addition(History& to, const std::vector<Source>& sources)
        : to_(to), added_(std::make_unique<Kernel>(sources, to)), kernel_(added_->number) {}

    void run() {
        to_.first_entity_.resize(to_.names_.size(), kNone);
        if (to_.versions_.empty()) {
            // With room for those of further kernels: copying all takes long.
            to_.versions_.reserve(all().size() + all().size() / 2);
            to_.entities_.reserve(all().size() + all().size() / 2);
            populate(to_.versions_.data(), all().size() * sizeof to_.versions_[0]);
            populate(to_.entities_.data(), all().size() * sizeof to_.entities_[0]);
        }
        group();
        for (uint32_t number = 0; number != all().size(); ++number) {
            if (is_first_[number]) {
                assign(number);
            }
        }
        find_versions();
        std::vector<int32_t> presence(to_.entities_.size(), kAbsent);
        for (const Definition& definition : all()) {
            presence[definition.entity] = definition.number;
        }
        to_.presence_.push_back(std::move(presence));
        // Nothing below throws.
        for (const uint32_t entity : uncertain_) {
            to_.entities_[entity].uncertain = true;
        }
        take_over();
    }

private:
    std::vector<Definition>& all() { return added_->definitions.all(); }

    // Chains the definitions of each name in their order.
    void group() {
        std::vector<uint32_t> last(to_.names_.size(), kNone);
        is_first_.resize(all().size());
        for (uint32_t number = 0; number != all().size(); ++number) {
            uint32_t& before = last[all()[number].name];
            is_first_[number] = before == kNone;
            if (before != kNone) {
                all()[before].next = number;
            }
            before = number;
        }
    }

    // Finds or adds the entities of a definition and of those that have the same name.
    void assign(uint32_t first) {
        Definition& definition = all()[first];
        const uint32_t entity = to_.first_entity_[definition.name];
        if (definition.next == kNone && entity == kNone) {
            add_entity(definition);
        } else if (definition.next == kNone && to_.entities_[entity].next == kNone &&
                   to_.entities_[entity].class_ == definition.class_) {
            definition.entity = entity;
        } else {
            assign_by_class(first);
        }
    }

    void add_entity(Definition& definition) {
        uint32_t& first = to_.first_entity_[definition.name];
        definition.entity = static_cast<uint32_t>(to_.entities_.size());
        to_.entities_.push_back({definition.class_, definition.name, false, first, {}});
        first = definition.entity;
    }

    void assign_by_class(uint32_t first) {
        std::array<std::vector<uint32_t>, kClasses> numbers;
        for (uint32_t number = first; number != kNone; number = all()[number].next) {
            numbers[static_cast<size_t>(all()[number].class_)].push_back(number);
        }
        for (const std::vector<uint32_t>& namesakes : numbers) {
            if (!namesakes.empty()) {
                assign_namesakes(namesakes);
            }
        }
    }

    // Finds or adds the entities of definitions of the same class and name.
    void assign_namesakes(const std::vector<uint32_t>& numbers) {
        Definition& first = all()[numbers[0]];
        const std::vector<uint32_t> entities = to_.find(first.class_, first.name);
        if (numbers.size() == 1 && entities.size() == 1) {
            first.entity = entities[0];
            return;
        }
        std::vector<Namesake> olds, news;
        for (const uint32_t entity : entities) {
            const Version& version = to_.version(entity, latest(entity));
            olds.push_back({version.layout, version.declaration, version.deep, 0, {}});
        }
        for (const uint32_t number : numbers) {
            const fingerprint::Depths depths = added_->definitions.depths(all()[number]);
            news.push_back({depths.layout, depths.declaration, depths.deep, 0, {}});
        }
        NamesakePairing pairing(olds, news);
        pairing.pair_equal();
        const auto free_olds = pairing.free_olds(), free_news = pairing.free_news();
        if (!free_olds.empty() && !free_news.empty()) {
            for (const uint32_t each : free_olds) {
                to_.read(entities[each], latest(entities[each]));
                describe(to_.view(entities[each], latest(entities[each])), olds[each]);
            }
            for (const uint32_t each : free_news) {
                describe_new(all()[numbers[each]], news[each]);
            }
            pairing.pair_similar(budget_);
        }
        for (const Pairing& pair : pairing.pairs()) {
            Definition& definition = all()[numbers[pair.new_number]];
            definition.entity = entities[pair.old_number];
            if (pair.uncertain) {
                uncertain_.push_back(definition.entity);
            }
        }
        for (const uint32_t number : numbers) {
            if (all()[number].entity == kNone) {
                add_entity(all()[number]);
            }
        }
    }

    // The number of the version of an entity in the last kernel that has it.
    int32_t latest(uint32_t entity) const {
        for (uint32_t kernel = kernel_; kernel-- != 0;) {
            if (const int32_t version = to_.presence(entity, kernel); version != kAbsent) {
                return version;
            }
        }
        return 0;
    }

    static void describe(const VersionView& view, Namesake& namesake) {
        const bool is_function = view.content.holds == Content::Holds::parameters;
        namesake.size = is_function ? view.count : view.content.size;
        for (uint32_t i = 0; i != view.count; ++i) {
            const Member& member = view.members[i];
            namesake.features.push_back(is_function ? uint64_t{member.path} << 32 | member.type
                                                    : member.path);
        }
        std::sort(namesake.features.begin(), namesake.features.end());
    }

    void describe_new(const Definition& definition, Namesake& namesake) {
        const Version version;
        Content content;
        added_->builder.build(definition.type, definition.class_, content);
        describe(VersionView(version, content), namesake);
    }

    // Sets the version of each definition; adds those that are new.
    void find_versions() {
        for (uint32_t number = 0; number != all().size(); ++number) {
            Definition& definition = all()[number];
            const fingerprint::Depths depths = added_->definitions.depths(definition);
            VersionList& versions = to_.entities_[definition.entity].versions;
            size_t found = versions.size();
            while (found != 0 && !is_version(definition, depths, to_.versions_[versions[found - 1]])) {
                --found;
            }
            if (found == 0) {
                versions.push_back(static_cast<uint32_t>(to_.versions_.size()));
                add_version(definition, depths);
                found = versions.size();
            }
            definition.version = versions[found - 1];
            definition.number = static_cast<int32_t>(found - 1);
        }
    }

    void add_version(const Definition& definition, const fingerprint::Depths& depths) {
        if (to_.versions_.size() == UINT32_MAX) {
            throw Error::not_supported("the kernels have too many different definitions");
        }
        Version version;
        version.layout = depths.layout;
        version.declaration = depths.declaration;
        version.deep = depths.deep;
        version.tags = definition.tags;
        version.linkage = definition.linkage;
        version.entity = definition.entity;
        version.kernel = kernel_;
        version.module = added_->types.module(definition.type.level);
        version.type_id = definition.type.id;
        to_.versions_.push_back(version);
    }

    static bool is_version(const Definition& definition, const fingerprint::Depths& depths,
                           const Version& version) {
        return version.deep == depths.deep && version.declaration == depths.declaration &&
               version.layout == depths.layout && version.tags == definition.tags &&
               version.linkage == definition.linkage;
    }

    // Makes this the latest kernel, which the contents of its versions are read from.
    void take_over() {
        for (uint32_t number = 0; number != all().size(); ++number) {
            Version& version = to_.versions_[all()[number].version];
            if (version.content == nullptr) {
                version.readable_in = kernel_;
                version.definition = number;
            }
        }
        for (Source& source : added_->sources) {
            source.fingerprints.reset();  // the versions have them
        }
        to_.previous_ = std::move(to_.latest_);
        to_.latest_ = std::move(added_);
    }

    History& to_;
    std::unique_ptr<Kernel> added_;
    uint32_t kernel_;
    std::vector<bool> is_first_;
    std::vector<uint32_t> uncertain_;  // entities
    uint64_t budget_ = kNamesakeBudget;
};

History::History() : contents_(kChunk) {}
History::~History() = default;

void History::add_kernel(const std::vector<Source>& sources) {
    close_previous();
    const size_t entities = entities_.size(), versions = versions_.size();
    try {
        Addition(*this, sources).run();
    } catch (...) {
        remove_since(entities, versions);
        throw;
    }
}

// Reads those versions of the kernel before the latest one that this does not have, and closes it.
void History::close_previous() {
    if (previous_ == nullptr) {
        return;
    }
    for (const Definition& definition : previous_->definitions.all()) {
        Version& version = versions_[definition.version];
        if (version.content == nullptr && version.readable_in == previous_->number) {
            try {
                read(definition.version);
            } catch (const Error&) {  // of this version: others go on
                version.readable_in = kNone;
            }
        }
    }
    previous_.reset();
}

// Removes the entities and versions that were added after there were so many.
void History::remove_since(size_t entities, size_t versions) {
    while (entities_.size() > entities) {
        const Entity& last = entities_.back();
        first_entity_[last.name] = last.next;
        entities_.pop_back();
    }
    for (Entity& entity : entities_) {
        while (entity.versions.size() != 0 && entity.versions.back() >= versions) {
            entity.versions.pop_back();
        }
    }
    versions_.resize(versions);
}

std::vector<uint32_t> History::find(Class class_, uint32_t name) const {
    std::vector<uint32_t> found;
    if (name < first_entity_.size()) {
        for (uint32_t entity = first_entity_[name]; entity != kNone; entity = entities_[entity].next) {
            if (entities_[entity].class_ == class_) {
                found.push_back(entity);
            }
        }
    }
    std::reverse(found.begin(), found.end());
    return found;
}

void History::read(uint32_t entity, int32_t number) {
    const uint32_t version = entities_[entity].versions[static_cast<size_t>(number)];
    if (versions_[version].content == nullptr) {
        read(version);
    }
}

// Reads the content of a version from a kernel whose definitions all have their entities.
void History::read(uint32_t number) {
    const Version& version = versions_[number];
    if (version.readable_in == kNone) {
        throw Error::not_supported("the names of the types exceed 256 MiB");
    }
    Kernel& kernel = version.readable_in == latest_->number ? *latest_ : *previous_;
    const Definition& definition = kernel.definitions.all()[version.definition];
    ContentBuilder& builder = kernel.builder;
    auto* content = new (contents_.allocate<Content>(1)) Content;
    builder.build(definition.type, definition.class_, *content);
    for (const auto& part : builder.parts()) {
        const uint32_t embedded = kernel.definitions.of(part.type);
        const uint32_t entity = embedded == kNone ? kNone : kernel.definitions.all()[embedded].entity;
        (part.is_container ? builder.containers()[part.number].embedded
                           : builder.members()[part.number].embedded) = entity;
    }
    content->members = kept(contents_, builder.members());
    content->containers = kept(contents_, builder.containers());
    versions_[number].content = content;
}

}  // namespace btfmmap::diff
