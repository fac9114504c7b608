#include "core/diff/content_builder.hpp"

#include <algorithm>

#include "core/index/enums.hpp"

namespace btfmmap::diff {

namespace {

using std::uint32_t;
using std::uint64_t;
using TypeRef = KernelTypes::TypeRef;

// The most structs without a name inside each other. Deeper ones are not entered.
constexpr uint32_t kMaxDepth = 64;
// The most members of these in one definition. Further ones are not entered.
constexpr uint32_t kMaxInner = 1U << 16;

template <class Items>
uint32_t size_of(const Items& items) {
    return static_cast<uint32_t>(items.size());
}

}  // namespace

void ContentBuilder::build(TypeRef type, Class class_, Content& content) {
    type = types_.owned(type);
    parts_.clear();
    members_.clear();
    containers_.clear();
    const TypeRecord record = types_.record(type);
    switch (class_) {
        case Class::structure:
        case Class::union_:
        case Class::enumeration:
            add_held(type, content);
            break;
        case Class::function:
            add_parameters({type.level, record.target()}, content);
            break;
        case Class::tracepoint: {
            const TypeRecord pointer = types_.record({type.level, record.target()});
            add_parameters({type.level, pointer.target()}, content);
            break;
        }
        case Class::typedef_:
        case Class::variable:
            add_type({type.level, record.target()}, content);
            break;
        case Class::base:
            content.size = record.size_or_type();
            content.signedness = record.kind() == Kind::Int ? record.word(kHeadSize) : 0;
            break;
    }
    content.member_count = size_of(members_);
    content.container_count = size_of(containers_);
    content.members = members_.data();
    content.containers = containers_.data();
}

void ContentBuilder::push(Member member, TypeRef embedded) {
    if (embedded.id != 0) {
        parts_.push_back({size_of(members_), embedded, false});
    }
    members_.push_back(member);
}

// Returns what depends on the type alone.
Member ContentBuilder::member_of(TypeRef type) {
    Member member;
    const Sizes& sizes = types_.sizes(type.level);
    const std::int64_t size = sizes.size(type.id);
    if (size != Sizes::kUnknown) {
        member.size = static_cast<uint32_t>(size);
    }
    const std::int64_t alignment = sizes.alignment(type.id);
    if (alignment != Sizes::kUnknown) {
        member.alignment = static_cast<std::uint8_t>(alignment & 0x3f);
    }
    const uint32_t resolved = sizes.resolved(type.id);
    const Index& index = types_.btf(type.level).index();
    if (resolved < index.end_id()) {
        member.kind = static_cast<std::uint8_t>(without_enum64(index.kind_of(resolved)));
    }
    return member;
}

// Adds the members or enumerators of a struct, union or enum.
void ContentBuilder::add_held(TypeRef type, Content& content) {
    const Kind kind = types_.record(type).kind();
    if (is_enum(kind)) {
        add_enumerators(type, content);
        return;
    }
    content.holds = kind == Kind::Struct ? Content::Holds::structure : Content::Holds::union_;
    content.size = types_.record(type).size_or_type();
    content.alignment = static_cast<std::int32_t>(types_.sizes(type.level).alignment(type.id));
    add_members(type, content);
}

void ContentBuilder::add_enumerators(TypeRef type, Content& content) {
    const TypeRecord record = types_.record(type);
    content.holds = Content::Holds::enumeration;
    content.size = record.size_or_type();
    content.signedness = record.flag() ? 1 : 0;
    const Kind kind = record.kind();
    record.each_element([&](const std::byte* element) {
        Member member;
        member.name = member.path = types_.name(type.level, record.load(element + EnumField::name_off));
        const uint64_t value = enum_value(*record.index, kind, element);
        member.bit_offset =
            content.signedness != 0 ? static_cast<uint64_t>(signed_enum_value(kind, value)) : value;
        push(member, {type.level, 0});
    });
}

void ContentBuilder::add_type(TypeRef type, Content& content) {
    content.has_type = true;
    const TypeRef held = types_.unnamed(type, false);
    Member member = member_of(type);
    member.holds = held.id != 0;
    member.type = member.holds ? types_.holder_spelling(type) : types_.spelling(type);
    push(member, types_.embedded(type));
    if (held.id != 0) {
        add_held(held, content);
    } else if (types_.record(types_.owned(type)).kind() == Kind::FuncProto) {
        add_prototype_parts(types_.owned(type), content);
    }
}

// Adds what the spelling of a prototype does not say: which definitions its result and parameters consist of.
void ContentBuilder::add_prototype_parts(TypeRef prototype, Content& content) {
    content.holds = Content::Holds::parameters;
    const TypeRecord record = types_.record(prototype);
    const auto add = [&](uint32_t id, const std::string& name) {
        const TypeRef type{prototype.level, id};
        Member member = member_of(type);
        member.name = member.path = types_.text(name);
        member.type = types_.spelling(type);
        push(member, types_.embedded(type));
    };
    add(record.target(), "return");
    for (uint32_t i = 0, end = record.elements(); i != end; ++i) {
        add(record.element_type(i, ParamField::type), "[" + std::to_string(i) + "]");
    }
}

void ContentBuilder::add_parameters(TypeRef prototype, Content& content) {
    content.holds = Content::Holds::parameters;
    const TypeRecord record = types_.record(prototype);
    if (record.kind() != Kind::FuncProto) {
        return;
    }
    const auto level = prototype.level;
    const auto add = [&](TypeRef type, uint32_t name) {
        Member member = member_of(type);
        member.name = member.path = name;
        member.type = types_.spelling(type);
        return member;
    };
    content.has_type = true;
    const TypeRef result{level, record.target()};
    push(add(result, types_.text("return")), types_.embedded(result));
    const uint32_t count = record.elements();
    for (uint32_t i = 0; i != count; ++i) {
        const uint32_t name_off = record.load(record.element(i) + ParamField::name_off);
        const TypeRef type{level, record.element_type(i, ParamField::type)};
        const bool unnamed = types_.is_unnamed(level, name_off);
        if (unnamed && type.id == 0 && i + 1 == count) {
            content.variadic = true;
            break;
        }
        const uint32_t name =
            unnamed ? types_.text("[" + std::to_string(i) + "]") : types_.name(level, name_off);
        Member member = add(type, name);
        member.unnamed = unnamed;
        push(member, types_.embedded(type));
    }
}

uint32_t ContentBuilder::chained(uint32_t chain, char kind) {
    // The chain is that of another container, so its text may move while it is extended.
    return types_.text(types_.chain_text(chain) + kind);
}

void ContentBuilder::add_members(TypeRef type, Content& content) {
    frames_.clear();
    path_.clear();
    inner_left_ = kMaxInner;
    containers_.push_back({});
    Frame whole{};
    whole.holder = kNone;
    enter(type, whole);
    while (!frames_.empty()) {
        if (!add_member(content)) {
            frames_.pop_back();
        }
    }
}

// Whether the members of a struct without a name are read, which other structs may share.
bool ContentBuilder::may_enter(TypeRef type, uint32_t depth) {
    const uint32_t count = types_.record(type).elements();
    if (depth >= kMaxDepth || count > inner_left_ || !types_.take_members(count)) {
        return false;
    }
    inner_left_ -= count;
    return true;
}

void ContentBuilder::enter(TypeRef type, const Frame& frame) {
    Frame entered = frame;
    const TypeRecord record = types_.record(type);
    entered.type = type;
    entered.next = 0;
    entered.count = record.elements();
    entered.flag = record.flag();
    entered.is_union = record.kind() == Kind::Union;
    entered.is_empty = true;
    entered.end = 0;
    frames_.push_back(entered);
}

// Adds the next member of the innermost struct; enters it if its members are those of the whole. Returns
// false if there is none.
bool ContentBuilder::add_member(Content& content) {
    Frame& frame = frames_.back();
    if (frame.next == frame.count) {
        return false;
    }
    const TypeRecord record = types_.record(frame.type);
    const uint32_t number = frame.next++;
    const std::byte* element = record.element(number);
    const uint32_t offset = record.load(element + MemberField::offset);
    const uint32_t name_off = record.load(element + MemberField::name_off);
    const TypeRef type = types_.owned({frame.type.level, record.element_type(number, MemberField::type)});
    const Sizes& sizes = types_.sizes(type.level);

    Member member = member_of(type);
    member.bit_offset = frame.bit_offset + member_bit_offset(offset, frame.flag);
    member.bits = member_bitfield_size(offset, frame.flag);
    member.end_before = frame.is_empty || frame.is_union ? frame.end_before : frame.end;
    member.holder = frame.holder;
    member.container = frame.container;

    TypeRef inner{type.level, 0};
    Frame into = frame;
    if (types_.is_unnamed(frame.type.level, name_off)) {
        const uint32_t resolved = sizes.resolved(type.id);
        if (resolved >= types_.btf(type.level).index().end_id() ||
            !is_composite(types_.btf(type.level).index().kind_of(resolved))) {
            return true;  // padding
        }
        if (may_enter(types_.owned({type.level, resolved}), frame.depth)) {
            inner = types_.owned({type.level, resolved});
            const char kind = types_.record(inner).kind() == Kind::Union ? 'u' : 's';
            Container container;
            const Container& around = containers_[frame.container];
            container.chain = chained(around.chain, kind);
            container.outermost = around.outermost;
            container.bit_offset = member.bit_offset;
            into.container = size_of(containers_);
            const TypeRef named = types_.embedded(type);
            if (named.id != 0) {
                const TypeRecord of = types_.record(named);
                container.type = types_.spelling(type);
                container.name = types_.name(named.level, of.index->name_off(of.row));
                if (container.outermost == kNone) {
                    container.outermost = into.container;
                }
                parts_.push_back({size_of(containers_), named, true});
            }
            containers_.push_back(container);
            into.end_before = member.end_before;
        }
    } else {
        member.name = types_.name(frame.type.level, name_off);
        const std::string_view name = types_.name_text(member.name);
        path_.resize(frame.path);
        path_ += name;
        member.path = frame.path == 0 ? member.name : types_.text(path_);
        if (sizes.resolved(type.id) < types_.btf(type.level).index().end_id() && member.bits == 0 &&
            member.kind == static_cast<std::uint8_t>(Kind::Int)) {
            const TypeRecord of = types_.record(types_.owned({type.level, sizes.resolved(type.id)}));
            const uint32_t encoding = of.word(kHeadSize);
            if (int_bits(encoding) < uint64_t{8} * member.size) {  // a bitfield of an old producer
                member.bits = int_bits(encoding);
                member.bit_offset += int_bit_offset(encoding);
            }
        }
        const TypeRef held = types_.unnamed(type, true);
        const bool holds = held.id != 0 && is_composite(types_.record(held).kind());
        if (holds && may_enter(held, frame.depth)) {
            inner = held;
            member.holds = true;
            Container container;
            container.outermost = containers_[frame.container].outermost;
            container.bit_offset = member.bit_offset;
            into.container = size_of(containers_);
            containers_.push_back(container);
            into.holder = size_of(members_) - (content.has_type ? 1 : 0);
            into.end_before = member.bit_offset;
            path_ += types_.is_array(type) ? "[]." : ".";
            into.path = path_.size();
        }
        member.type = holds ? types_.holder_spelling(type) : types_.spelling(type);
        push(member, types_.embedded(type));
    }
    frame.end = std::max(frame.end, member.end());
    frame.is_empty = false;
    content.end = std::max(content.end, member.end());
    if (inner.id != 0) {
        into.depth = frame.depth + 1;
        into.bit_offset = member.bit_offset;
        enter(inner, into);
    }
    return true;
}

}  // namespace btfmmap::diff
