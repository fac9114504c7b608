#include "core/diff/kernel_types.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/base/error.hpp"
#include "core/diff/spelling.hpp"
#include "core/index/enums.hpp"

namespace btfmmap::diff {

namespace {

using std::size_t;
using std::uint32_t;
using std::uint64_t;

constexpr uint64_t kMaxNameBytes = uint64_t{1} << 28;
constexpr size_t kMaxPrefetchedName = 64;  // a hostile file can have many of megabytes
constexpr uint64_t kMinMembers = uint64_t{1} << 20;

uint32_t number(Kind kind) { return static_cast<uint32_t>(without_enum64(kind)); }

uint32_t qualifier_of(Kind kind) {
    return kind == Kind::Const      ? kConst
           : kind == Kind::Volatile ? kVolatile
           : kind == Kind::Restrict ? kRestrict
                                    : 0;
}

}  // namespace

KernelTypes::KernelTypes(const std::vector<Source>& sources, Interner& names, Interner& spellings)
    : names_(names), spellings_(spellings), bytes_left_(kMaxNameBytes), members_left_(kMinMembers) {
    for (const Source& source : sources) {
        const Btf& btf = source.sizes->btf();
        uint32_t parent = 0;
        if (btf.base() != nullptr) {
            while (parent != levels_.size() && &this->btf(parent) != btf.base().get()) {
                ++parent;
            }
            if (parent == levels_.size()) {
                throw Error::invalid_argument("the base of a split BTF must precede it");
            }
        }
        const Index& index = btf.index();
        Level level{&source, parent, index.first_id(), names.intern(source.module), {}, {}};
        level.spellings.resize(index.rows());
        level.states.resize(index.rows());
        levels_.push_back(std::move(level));
        members_left_ += 4 * uint64_t{btf.type_section().size} / shape_of(Kind::Struct).element;
    }
}

void KernelTypes::spend(uint64_t bytes) {
    if (bytes > bytes_left_) {
        throw Error::not_supported("the names of the types exceed 256 MiB");
    }
    bytes_left_ -= bytes;
}

bool KernelTypes::take_members(uint32_t count) {
    if (count > members_left_) {
        return false;
    }
    members_left_ -= count;
    return true;
}

uint32_t KernelTypes::name(uint32_t level, uint32_t offset) {
    const Strings& strings = btf(level).strings();
    if (offset == 0 || offset >= strings.end()) {
        return 0;
    }
    const Bytes rest = strings.rest(offset);
    const auto* text = reinterpret_cast<const char*>(rest.data);
    const void* nul = rest.size == 0 ? nullptr : std::memchr(text, 0, rest.size);
    const size_t size =
        nul == nullptr ? rest.size : static_cast<size_t>(static_cast<const char*>(nul) - text);
    return this->text({text, size});
}

void KernelTypes::prefetch_names(uint32_t level, const uint32_t* offsets, size_t count) const {
    const Strings& strings = btf(level).strings();
    std::array<std::string_view, Interner::kBatch> texts;
    size_t found = 0;
    for (size_t i = 0; i != count; ++i) {
        if (offsets[i] == 0 || offsets[i] >= strings.end()) {
            continue;
        }
        const Bytes rest = strings.rest(offsets[i]);
        const std::string_view start(reinterpret_cast<const char*>(rest.data),
                                     std::min(rest.size, kMaxPrefetchedName));
        if (const size_t nul = start.find('\0'); nul != std::string_view::npos) {
            texts[found++] = start.substr(0, nul);
        }
    }
    names_.prefetch(texts.data(), found);
}

uint32_t KernelTypes::text(std::string_view text) {
    spend(text.size());
    return names_.intern(text);
}

bool KernelTypes::is_unnamed(uint32_t level, uint32_t offset) const {
    const Strings& strings = btf(level).strings();
    if (offset == 0 || offset >= strings.end()) {
        return true;
    }
    const Bytes rest = strings.rest(offset);
    return rest.size == 0 || *rest.data == std::byte{0};
}

bool KernelTypes::is_done(TypeRef type) const {
    const TypeRef of = owned(type);
    return levels_[of.level].states[row(of)] != State::unknown;
}

// Calls `visit(type)` for each type whose spelling is part of that of `type`.
template <class Visit>
void KernelTypes::each_part(TypeRef type, Visit visit) const {
    const TypeRecord record = this->record(type);
    const Kind kind = record.kind();
    const auto each = [&](size_t field) {
        for (uint32_t i = 0, end = record.elements(); i != end; ++i) {
            visit(TypeRef{type.level, record.element_type(i, field)});
        }
    };
    if (is_modifier(kind) || kind == Kind::Ptr || kind == Kind::Array || kind == Kind::FuncProto) {
        visit(TypeRef{type.level, record.target()});
    }
    if (kind == Kind::FuncProto) {
        each(ParamField::type);
    } else if (is_composite(kind) && is_unnamed(type.level, record.index->name_off(record.row))) {
        each(MemberField::type);
    }
}

uint32_t KernelTypes::spelling(TypeRef type) {
    pending_.push_back(type);
    while (!pending_.empty()) {
        const TypeRef of = owned(pending_.back());
        Level& level = levels_[of.level];
        State& state = level.states[row(of)];
        if (state == State::unknown && of.id != 0) {
            state = State::entered;
            each_part(of, [this](TypeRef part) {
                if (!is_done(part)) {
                    pending_.push_back(part);
                }
            });
            continue;
        }
        pending_.pop_back();
        if (state != State::done) {
            level.spellings[row(of)] = build(of);
            state = State::done;
        }
    }
    return known(type);
}

uint32_t KernelTypes::known(TypeRef type) const {
    const TypeRef of = owned(type);
    return levels_[of.level].spellings[row(of)];
}

uint32_t KernelTypes::modified(uint32_t qualifier, uint32_t inner) {
    if (qualifier == 0) {
        return inner;
    }
    const std::string_view below = spellings_.text(inner);
    if (static_cast<Spelled>(word_of(below, 0)) == Spelled::qualified) {
        qualifier |= word_of(below, 1);
        inner = word_of(below, 2);
    }
    words_.assign({static_cast<uint32_t>(Spelled::qualified), qualifier, inner});
    return node();
}

// Returns the spelling of a type whose parts are known, except for those that form a cycle.
uint32_t KernelTypes::build(TypeRef of) {
    if (of.id == 0) {
        words_.assign({static_cast<uint32_t>(Spelled::empty)});
        return node();
    }
    const TypeRecord record = this->record(of);
    const Kind kind = record.kind();
    const uint32_t name_off = record.index->name_off(record.row);
    const auto target = [&] { return known({of.level, record.target()}); };
    switch (kind) {
        case Kind::Const:
        case Kind::Volatile:
        case Kind::Restrict:
        case Kind::TypeTag:
            return modified(qualifier_of(kind), target());
        case Kind::Ptr:
            words_.assign({static_cast<uint32_t>(Spelled::pointer), target()});
            return node();
        case Kind::Array:
            words_.assign({static_cast<uint32_t>(Spelled::array), record.word(kHeadSize + ArrayField::nelems),
                           target()});
            return node();
        case Kind::FuncProto:
            words_.assign({static_cast<uint32_t>(Spelled::prototype), target()});
            for (uint32_t i = 0, end = record.elements(); i != end; ++i) {
                words_.push_back(known({of.level, record.element_type(i, ParamField::type)}));
            }
            return node();
        case Kind::Struct:
        case Kind::Union:
            if (is_unnamed(of.level, name_off)) {
                return composite(of);
            }
            break;
        case Kind::Enum:
        case Kind::Enum64:
            if (is_unnamed(of.level, name_off)) {
                return enumeration(of);
            }
            break;
        case Kind::Int:
        case Kind::Float:
            if (is_unnamed(of.level, name_off)) {
                words_.assign({static_cast<uint32_t>(Spelled::number), number(kind), record.size_or_type(),
                               kind == Kind::Int ? record.word(kHeadSize) : 0});
                return node();
            }
            break;
        case Kind::Typedef:
            break;
        case Kind::Fwd: {
            const Kind declared = record.flag() ? Kind::Union : Kind::Struct;
            words_.assign(
                {static_cast<uint32_t>(Spelled::named), number(declared), name(of.level, name_off)});
            return node();
        }
        default:
            return 0;
    }
    words_.assign({static_cast<uint32_t>(Spelled::named), number(kind), name(of.level, name_off)});
    return node();
}

uint32_t KernelTypes::composite(TypeRef of) {
    const TypeRecord record = this->record(of);
    std::vector<std::array<uint32_t, 4>> members;
    const bool flag = record.flag();
    for (uint32_t i = 0, end = record.elements(); i != end; ++i) {
        const std::byte* member = record.element(i);
        const uint32_t offset = record.load(member + MemberField::offset);
        members.push_back({member_bit_offset(offset, flag),
                           name(of.level, record.load(member + MemberField::name_off)),
                           member_bitfield_size(offset, flag),
                           known({of.level, record.element_type(i, MemberField::type)})});
    }
    std::sort(members.begin(), members.end());
    words_.assign({static_cast<uint32_t>(Spelled::composite), number(record.kind()), record.size_or_type()});
    for (const auto& [offset, name, bits, type] : members) {
        words_.insert(words_.end(), {name, offset, bits, type});
    }
    return node();
}

uint32_t KernelTypes::enumeration(TypeRef of) {
    const TypeRecord record = this->record(of);
    const uint32_t size = record.size_or_type();
    const uint64_t mask = size == 0 || size >= 8 ? UINT64_MAX : (uint64_t{1} << (8 * size)) - 1;
    std::vector<std::pair<uint64_t, uint32_t>> enumerators;
    record.each_element([&](const std::byte* element) {
        enumerators.emplace_back(enum_value(*record.index, record.kind(), element) & mask,
                                 name(of.level, record.load(element + EnumField::name_off)));
    });
    std::sort(enumerators.begin(), enumerators.end());
    words_.assign({static_cast<uint32_t>(Spelled::enumeration), size, record.flag() ? 1U : 0U});
    for (const auto& [value, name] : enumerators) {
        words_.insert(words_.end(), {name, static_cast<uint32_t>(value), static_cast<uint32_t>(value >> 32)});
    }
    return node();
}

uint32_t KernelTypes::holder_spelling(TypeRef type) {
    // From the outside in: the words of each node without the inner one.
    std::vector<std::pair<Spelled, uint32_t>> around;
    for (;;) {
        const TypeRef of = owned(type);
        const TypeRecord record = this->record(of);
        const Kind kind = record.kind();
        if (is_composite(kind) || is_enum(kind)) {
            words_.assign({static_cast<uint32_t>(Spelled::holder), number(kind)});
            break;
        }
        if (kind == Kind::Array) {
            around.emplace_back(Spelled::array, record.word(kHeadSize + ArrayField::nelems));
        } else if (const uint32_t qualifier = qualifier_of(kind)) {
            around.emplace_back(Spelled::qualified, qualifier);
        }
        type = {of.level, record.target()};
    }
    uint32_t inner = node();
    for (auto each = around.rbegin(); each != around.rend(); ++each) {
        if (each->first == Spelled::qualified) {
            inner = modified(each->second, inner);
        } else {
            words_.assign({static_cast<uint32_t>(Spelled::array), each->second, inner});
            inner = node();
        }
    }
    return inner;
}

namespace {

// The most qualifiers and arrays around a type, which may form a cycle.
constexpr unsigned kMaxAround = 64;

}  // namespace

KernelTypes::TypeRef KernelTypes::embedded(TypeRef type) const {
    for (unsigned steps = 0; steps != kMaxAround && type.id != 0; ++steps) {
        type = owned(type);
        const TypeRecord record = this->record(type);
        const Kind kind = record.kind();
        if (!is_modifier(kind) && kind != Kind::Array) {
            const bool has_content = is_composite(kind) || is_enum(kind) || kind == Kind::Typedef ||
                                     kind == Kind::Int || kind == Kind::Float;
            return has_content && !is_unnamed(type.level, record.index->name_off(record.row))
                       ? type
                       : TypeRef{type.level, 0};
        }
        type.id = record.target();
    }
    return {type.level, 0};
}

bool KernelTypes::is_array(TypeRef type) const {
    for (unsigned steps = 0; steps != kMaxAround && type.id != 0; ++steps) {
        type = owned(type);
        const TypeRecord record = this->record(type);
        if (!is_modifier(record.kind())) {
            return record.kind() == Kind::Array;
        }
        type.id = record.target();
    }
    return false;
}

KernelTypes::TypeRef KernelTypes::unnamed(TypeRef type, bool arrays) const {
    for (unsigned steps = 0; steps != kMaxAround && type.id != 0; ++steps) {
        type = owned(type);
        const TypeRecord record = this->record(type);
        const Kind kind = record.kind();
        if (is_composite(kind) || is_enum(kind)) {
            return is_unnamed(type.level, record.index->name_off(record.row)) ? type : TypeRef{type.level, 0};
        }
        if (!is_modifier(kind) && !(arrays && kind == Kind::Array)) {
            break;
        }
        type.id = record.target();
    }
    return {type.level, 0};
}

}  // namespace btfmmap::diff
