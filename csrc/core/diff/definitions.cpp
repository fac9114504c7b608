#include "core/diff/definitions.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <tuple>

#include "core/base/block.hpp"
#include "core/index/references.hpp"
#include "core/index/rows_of_kind.hpp"

namespace btfmmap::diff {

namespace {

using fingerprint::Hash;
using fingerprint::Hasher;
using fingerprint::Tag;
using std::size_t;
using std::uint32_t;
using std::uint64_t;
using TypeRef = KernelTypes::TypeRef;

constexpr std::string_view kTracepointPrefix = "btf_trace_";

Class class_of(Kind kind) {
    switch (kind) {
        case Kind::Struct:
            return Class::structure;
        case Kind::Union:
            return Class::union_;
        case Kind::Enum:
        case Kind::Enum64:
            return Class::enumeration;
        case Kind::Func:
            return Class::function;
        case Kind::Typedef:
            return Class::typedef_;
        default:
            return Class::variable;
    }
}

using Named =
    RowsOfKind<Kind::Struct, Kind::Union, Kind::Enum, Kind::Enum64, Kind::Func, Kind::Typedef, Kind::Var>;

Hash hash_base_type(const TypeRecord& record) {
    const bool is_int = record.kind() == Kind::Int;
    return Hasher(Tag::number)
        .add(is_int ? 1 : 0)
        .add(record.size_or_type())
        .add(is_int ? record.word(kHeadSize) : 0)
        .finish();
}

}  // namespace

Definitions::Definitions(KernelTypes& types) : types_(types) {
    for (uint32_t level = 0; level != types.levels(); ++level) {
        const size_t rows = types.btf(level).index().rows();
        numbers_.emplace_back(rows, kNone);
        referenced_.emplace_back(rows, std::uint8_t{0});
    }
    for (uint32_t level = 0; level != types.levels(); ++level) {
        find_tags(level);
        mark_references(level);
    }
    std::sort(tags_.begin(), tags_.end(), [](const DeclTag& left, const DeclTag& right) {
        return std::tie(left.level, left.id, left.component, left.name) <
               std::tie(right.level, right.id, right.component, right.name);
    });
    for (uint32_t level = 0; level != types.levels(); ++level) {
        add_level(level);
        add_base_types(level);
    }
}

void Definitions::find_tags(uint32_t level) {
    const Index& index = types_.btf(level).index();
    RowsOfKind<Kind::DeclTag>(index).each([&](uint32_t row) {
        const TypeRecord record(types_.btf(level), index.id(row));
        const TypeRef target = types_.owned({level, record.target()});
        tags_.push_back({target.level, target.id, static_cast<std::int32_t>(record.word(kHeadSize)),
                         types_.name(level, index.name_off(row))});
    });
}

void Definitions::mark_references(uint32_t level) {
    const Index& index = types_.btf(level).index();
    const uint32_t end = index.end_id();
    std::uint8_t* own = referenced_[level].data();
    const uint32_t first = index.first_id();
    const auto mark = [&](uint32_t id) {
        if (id < end) {
            if (id >= first) {
                own[id - first] = 1;
            } else {
                const TypeRef type = types_.owned({level, id});
                referenced_[type.level][types_.row(type)] = 1;
            }
        }
    };
    for (size_t row = index.first_record(); row != index.rows(); ++row) {
        each_reference(index, row, [&](Reference what, const std::byte* word) {
            if (what == Reference::type) {
                mark(index.load(word));
            }
        });
    }
}

bool Definitions::is_tracepoint(TypeRef type, uint32_t name) const {
    if (types_.name_text(name).substr(0, kTracepointPrefix.size()) != kTracepointPrefix) {
        return false;
    }
    const TypeRecord pointer = types_.record(types_.owned({type.level, types_.record(type).target()}));
    if (pointer.kind() != Kind::Ptr) {
        return false;
    }
    return types_.btf(type.level).index().kind_of(pointer.target()) == Kind::FuncProto;
}

void Definitions::add_level(uint32_t level) {
    const Index& index = types_.btf(level).index();
    const Named named(index);
    const size_t count = named.records();
    all_.reserve(all_.size() + count);
    populate(all_.data() + all_.size(), count * sizeof all_[0]);
    for (Named::Block block(named); block.next();) {
        for (size_t start = 0; start < block.size(); start += Interner::kBatch) {
            std::array<uint32_t, Interner::kBatch> rows, name_offsets;
            const size_t end = std::min(block.size() - start, rows.size());
            for (size_t i = 0; i != end; ++i) {
                rows[i] = block.first() + block.begin()[start + i];
                name_offsets[i] = index.name_off(rows[i]);
            }
            types_.prefetch_names(level, name_offsets.data(), end);
            for (size_t i = 0; i != end; ++i) {
                add_named(level, rows[i], name_offsets[i]);
            }
        }
    }
}

// Adds the definition of a row, unless it belongs to its holder.
void Definitions::add_named(uint32_t level, uint32_t row, uint32_t name_off) {
    const Index& index = types_.btf(level).index();
    const TypeRef type{level, index.id(row)};
    const Kind kind = index.kind(row);
    Class class_ = class_of(kind);
    uint32_t name = 0;
    if ((is_composite(kind) || is_enum(kind)) && types_.is_unnamed(level, name_off)) {
        if (is_composite(kind) || referenced_[level][row] != 0) {
            return;
        }
        name = first_enumerator(type);
    } else {
        name = types_.name(level, name_off);
    }
    if (class_ == Class::typedef_ && is_tracepoint(type, name)) {
        class_ = Class::tracepoint;
        name = types_.text(types_.chain_text(name).substr(kTracepointPrefix.size()));
    }
    add(type, class_, name);
}

fingerprint::Depths Definitions::depths(const Definition& definition) const {
    const TypeRef type = definition.type;
    const Fingerprints& fingerprints = *types_.source(type.level).fingerprints;
    switch (definition.class_) {
        case Class::base: {
            const Hash content = hash_base_type(types_.record(type));
            return {content, content, content};
        }
        case Class::tracepoint: {
            const TypeRef pointer = types_.owned({type.level, types_.record(type).target()});
            return fingerprints.of_function(types_.record(pointer).target());
        }
        default:
            return fingerprints.of_type(type.id);
    }
}

void Definitions::add(TypeRef type, Class class_, uint32_t name) {
    Definition definition{type, class_, name, 0, 0};
    const TypeRecord record = types_.record(type);
    if (class_ == Class::function) {
        definition.linkage = info_vlen(record.info());
    } else if (class_ == Class::variable) {
        definition.linkage = record.word(kHeadSize);
    }
    definition.tags = tags_of(type, class_);
    numbers_[type.level][types_.row(type)] = static_cast<uint32_t>(all_.size());
    all_.push_back(definition);
}

uint32_t Definitions::first_enumerator(TypeRef type) {
    const TypeRecord record = types_.record(type);
    std::string name = "{";
    if (record.elements() != 0) {
        const uint32_t offset = record.load(record.element(0) + EnumField::name_off);
        name += types_.name_text(types_.name(type.level, offset));
    }
    return types_.text(name);
}

void Definitions::add_base_types(uint32_t level) {
    const Index& index = types_.btf(level).index();
    RowsOfKind<Kind::Int, Kind::Float>(index).each([&](uint32_t row) {
        const uint32_t name_off = index.name_off(row);
        if (types_.is_unnamed(level, name_off)) {
            return;
        }
        add({level, index.id(row)}, Class::base, types_.name(level, name_off));
    });
}

// Returns the tags of a definition and of what it holds, as one text.
uint32_t Definitions::tags_of(TypeRef type, Class class_) {
    if (tags_.empty()) {
        return 0;
    }
    std::vector<std::pair<std::int32_t, uint32_t>> found;
    const auto collect = [&](TypeRef of) {
        const auto before = [](const DeclTag& tag, const TypeRef& other) {
            return std::tie(tag.level, tag.id) < std::tie(other.level, other.id);
        };
        for (auto at = std::lower_bound(tags_.begin(), tags_.end(), of, before);
             at != tags_.end() && at->level == of.level && at->id == of.id; ++at) {
            types_.spend(sizeof found[0]);  // many definitions may share them
            found.emplace_back(at->component, at->name);
        }
    };
    collect(type);
    if (class_ == Class::typedef_ || class_ == Class::variable) {
        const TypeRef held = types_.unnamed({type.level, types_.record(type).target()}, false);
        if (held.id != 0) {
            collect(held);
        }
    }
    if (found.empty()) {
        return 0;
    }
    std::sort(found.begin(), found.end(), [this](const auto& left, const auto& right) {
        return left.first != right.first ? left.first < right.first
                                         : types_.name_text(left.second) < types_.name_text(right.second);
    });
    std::string text;
    for (const auto& [component, name] : found) {
        text += component == -1 ? "" : "#" + std::to_string(component) + " ";
        text += types_.name_text(name);
        text += '\0';
    }
    text.pop_back();
    return types_.text(text);
}

}  // namespace btfmmap::diff
