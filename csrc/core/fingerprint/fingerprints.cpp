#include "core/fingerprint/fingerprints.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "core/fingerprint/name.hpp"
#include "core/index/enums.hpp"
#include "core/index/rows_of_kind.hpp"

namespace btfmmap {

namespace {

using fingerprint::Hash;
using fingerprint::Hasher;
using fingerprint::kEmptyName;
using fingerprint::Mover;
using fingerprint::Tag;
using std::uint32_t;
using std::uint64_t;
using std::uint8_t;

using Composites = RowsOfKind<Kind::Struct, Kind::Union>;
using Enums = RowsOfKind<Kind::Enum, Kind::Enum64>;
using Prototypes = RowsOfKind<Kind::FuncProto>;
using Modifiers = RowsOfKind<Kind::Const, Kind::Volatile, Kind::Restrict, Kind::TypeTag>;
// Kinds that C spells by what they refer to, and those that it spells by name. It does not refer to others.
using Derived = RowsOfKind<Kind::Ptr, Kind::Array, Kind::FuncProto, Kind::Const, Kind::Volatile,
                           Kind::Restrict, Kind::TypeTag>;
using OtherNamed = RowsOfKind<Kind::Int, Kind::Float, Kind::Fwd, Kind::Enum, Kind::Enum64>;
using Numbers = RowsOfKind<Kind::Int, Kind::Float>;
// Kinds whose values consist of those of other types.
using Embedding = RowsOfKind<Kind::Struct, Kind::Union, Kind::Array, Kind::FuncProto, Kind::Typedef,
                             Kind::Const, Kind::Volatile, Kind::Restrict, Kind::TypeTag>;
using Entities =
    RowsOfKind<Kind::Struct, Kind::Union, Kind::Enum, Kind::Enum64, Kind::Func, Kind::Typedef, Kind::Var>;

// The hashes of a row: those it refers to come first.
enum class State : uint8_t { done, pending, entered };

uint64_t number(Kind kind) { return static_cast<uint64_t>(kind); }

// ENUM and ENUM64 are one class: the producer chooses between them by the values.
uint64_t class_of(Kind kind) { return number(kind == Kind::Enum64 ? Kind::Enum : kind); }

unsigned qualifier_of(Kind kind) {
    return kind == Kind::Const ? 1 : kind == Kind::Volatile ? 2 : kind == Kind::Restrict ? 4 : 0;
}

// Added to the spelling of a type by a set of qualifiers. That of the empty set is 0, so that adding a
// qualifier to a set replaces one addition by another, and the order of qualifiers does not count.
Hash qualified(unsigned set) { return set == 0 ? Hash() : Hasher(Tag::qualifiers).add(set).finish(); }

constexpr Hash kAbsent = Hasher(Tag::absent).finish();

}  // namespace

class Fingerprints::Builder {
public:
    explicit Builder(Fingerprints& to)
        : to_(to),
          sizes_(to.sizes_->sizes()),
          btf_(to.sizes_->btf()),
          index_(btf_.index()),
          strings_(btf_.strings()),
          states_(index_.rows(), State::done) {}

    void build() {
        find_traits();
        hash_member_names();
        hash_layouts();
        hash_spellings();
        hash_declarations();
        hash_embedded();
        fill_table();
    }

private:
    static constexpr const Shape& kMembers = kShapes[static_cast<std::size_t>(Kind::Struct)];
    static constexpr const Shape& kParams = kShapes[static_cast<std::size_t>(Kind::FuncProto)];

    struct Member {
        Hash name;
        uint32_t type, bit_offset;
        uint8_t bitfield_size;
    };

    bool own(uint32_t type_id) const { return type_id >= index_.first_id(); }
    uint32_t row_of(uint32_t type_id) const { return type_id - index_.first_id(); }
    uint32_t valid_or_void(uint32_t type_id) const { return type_id < index_.end_id() ? type_id : 0; }

    uint32_t word(uint32_t row, std::size_t at) const { return index_.load(index_.record(row) + at); }
    uint32_t head(uint32_t row) const { return word(row, HeadField::size_or_type); }
    uint32_t nelems(uint32_t row) const { return word(row, kHeadSize + ArrayField::nelems); }
    Hash name(uint32_t name_off) const { return fingerprint::name_hash(strings_, name_off); }
    bool is_unnamed(uint32_t name_off) const { return fingerprint::is_unnamed(strings_, name_off); }

    uint32_t target(uint32_t row) const {
        const bool is_array = index_.kind(row) == Kind::Array;
        return valid_or_void(is_array ? word(row, kHeadSize + ArrayField::type) : head(row));
    }
    const std::byte* element(uint32_t row, uint32_t number, const Shape& shape) const {
        return index_.record(row) + kHeadSize + std::size_t{number} * shape.element;
    }
    uint32_t element_type(uint32_t row, uint32_t number, const Shape& shape) const {
        return valid_or_void(
            index_.load(element(row, number, shape) + static_cast<std::size_t>(shape.element_type)));
    }

    // Traits of a type of any level; a type ID that does not exist has none.
    uint8_t traits(uint32_t type_id) const {
        if (type_id >= index_.end_id()) {
            return 0;
        }
        const Fingerprints& level = to_.owner(type_id);
        return level.traits_[type_id - level.first_id_];
    }
    unsigned qualifiers(uint32_t type_id) const { return (traits(type_id) & kQualifiers) >> kQualifierBit; }

    // One of the arrays of hashes.
    using Hashes = Hash* Fingerprints::*;

    // Returns a hash of a type of any level; a constant in place of one that is not known yet, which is then
    // part of a cycle.
    Hash at(Hashes hashes, uint32_t type_id) const {
        if (own(type_id)) {
            const uint32_t row = row_of(type_id);
            return hashes == computed_ && states_[row] != State::done ? kAbsent : (to_.*hashes)[row];
        }
        const Fingerprints& level = to_.owner(type_id);
        return (level.*hashes)[type_id - level.first_id_];
    }

    // The type IDs in a record: of a struct's members, of a prototype's result and parameters, or one.
    struct References {
        const std::byte* next;
        uint32_t left, stride;
    };

    References references(uint32_t row) const {
        constexpr std::size_t head = HeadField::size_or_type;
        constexpr std::size_t first_param = kHeadSize + ParamField::type;
        static_assert(first_param - head == kParams.element,
                      "the result's type is as far from the first parameter's");
        const std::byte* record = index_.record(row);
        switch (index_.kind(row)) {
            case Kind::Struct:
            case Kind::Union:
                return {record + kHeadSize + MemberField::type, index_.elements(row, kMembers),
                        kMembers.element};
            case Kind::FuncProto:
                return {record + head, index_.elements(row, kParams) + 1, kParams.element};
            case Kind::Array:
                return {record + kHeadSize + ArrayField::type, 1, 0};
            case Kind::Enum:
            case Kind::Enum64:
                return {record, 0, 0};
            default:
                return {record + head, 1, 0};
        }
    }

    // Removes the first of some references, and returns it.
    uint32_t take(References& references) const {
        const uint32_t id = valid_or_void(index_.load(references.next));
        references.next += references.stride;
        --references.left;
        return id;
    }

    struct Frame {
        uint32_t row;
        References references;
    };

    // Sets the hash of each pending row to `compute(row)`, after those of the rows it depends on.
    // `dependency(row, left, id)` is the type ID that a reference stands for, of which `left` follow. Rows
    // are taken kind by kind: their order is unpredictable, that of kinds is not.
    template <class... Rows, class Dependency, class Compute>
    void in_order(Hashes hashes, Dependency dependency, Compute compute) {
        computed_ = hashes;
        (Rows(index_).each([&](uint32_t row) {
            if (states_[row] == State::pending) {
                compute_from(row, hashes, dependency, compute);
            }
        }),
         ...);
    }

    template <class Dependency, class Compute>
    void compute_from(uint32_t root, Hashes hashes, Dependency dependency, Compute compute) {
        enter(root);
        while (!frames_.empty()) {
            Frame& frame = frames_.back();
            const uint32_t row = frame.row;
            if (const uint32_t next = next_pending(frame, dependency); next != kNoRow) {
                enter(next);
            } else {
                (to_.*hashes)[row] = compute(row);
                states_[row] = State::done;
                frames_.pop_back();
            }
        }
    }

    static constexpr uint32_t kNoRow = UINT32_MAX;

    void enter(uint32_t row) {
        states_[row] = State::entered;
        frames_.push_back({row, references(row)});
    }

    // Returns the next row that a frame's row depends on and that is pending; kNoRow if there is none.
    template <class Dependency>
    uint32_t next_pending(Frame& frame, Dependency dependency) const {
        References left = frame.references;
        while (left.left != 0) {
            const uint32_t referred = take(left);
            const uint32_t id = dependency(frame.row, left.left, referred);
            if (own(id) && states_[row_of(id)] == State::pending) {
                frame.references = left;
                return row_of(id);
            }
        }
        return kNoRow;
    }

    void find_traits() {
        const bool has_void = index_.first_record() != 0;
        if (has_void) {
            to_.traits_[0] = 0;
        }
        for (std::size_t i = index_.first_record(); i != index_.rows(); ++i) {
            const auto row = static_cast<uint32_t>(i);
            const Kind kind = index_.kind(row);
            const bool composite = is_composite(kind);
            const bool unnamed = (composite || is_enum(kind)) && is_unnamed(index_.name_off(row));
            to_.traits_[row] = static_cast<uint8_t>((composite ? kComposite : 0) | (unnamed ? kUnnamed : 0));
            to_.uses_int_bits_ |=
                kind == Kind::Int && int_bits(word(row, kHeadSize)) != uint64_t{8} * head(row);
        }
    }

    void hash_member_names() {
        first_member_.resize(index_.rows());
        uint32_t members = 0;
        const auto each_composite = [this](auto visit) { Composites(index_).each(visit); };
        each_composite([&](uint32_t row) {
            first_member_[row] = members;
            members += index_.elements(row, kMembers);
        });
        member_names_.resize(members);
        each_composite([&](uint32_t row) {
            Hash* names = member_names_.data() + first_member_[row];
            for (uint32_t i = 0, end = index_.elements(row, kMembers); i != end; ++i) {
                names[i] = name(index_.load(element(row, i, kMembers) + MemberField::name_off));
            }
        });
    }

    // Calls `visit(member)` for each member of a struct or union.
    template <class Visit>
    void each_member(uint32_t row, Visit visit) const {
        const bool flag = info_kind_flag(word(row, HeadField::info));
        const Hash* names = member_names_.data() + first_member_[row];
        const uint32_t count = index_.elements(row, kMembers);
        const std::byte* at = element(row, 0, kMembers);
        for (uint32_t i = 0; i != count; ++i, at += kMembers.element) {
            const uint32_t offset = index_.load(at + MemberField::offset);
            visit(Member{names[i], valid_or_void(index_.load(at + MemberField::type)),
                         member_bit_offset(offset, flag), member_bitfield_size(offset, flag)});
        }
    }

    // -- layouts

    // Whether a member's own members are those of the struct that contains it.
    bool is_flattened(const Hash& name, uint32_t type_id) const {
        return name == kEmptyName && (traits(sizes_.resolved(type_id)) & kComposite) != 0 &&
               has_members(sizes_.resolved(type_id));
    }
    bool has_members(uint32_t type_id) const {
        const Index& index = index_.owner(type_id);
        return index.elements(type_id - index.first_id(), kMembers) != 0;
    }

    uint32_t end_of_members(uint32_t row) const {
        return first_member_[row] + index_.elements(row, kMembers);
    }

    // Returns the struct or union whose layout is part of that of a member; void if there is none.
    uint32_t part(const Hash& name, uint32_t type_id) const {
        const uint32_t element = sizes_.element(type_id);
        const uint8_t found = traits(element);
        if ((found & kComposite) == 0) {
            return 0;
        }
        return (found & kUnnamed) != 0 || is_flattened(name, type_id) ? element : 0;
    }

    void hash_layouts() {
        Composites(index_).each([this](uint32_t row) { states_[row] = State::pending; });
        in_order<Composites>(
            &Fingerprints::layout_,
            [this](uint32_t row, uint32_t left, uint32_t id) {
                return part(member_names_[end_of_members(row) - 1 - left], id);
            },
            [this](uint32_t row) { return sum_of_members(row); });
        Enums(index_).each([this](uint32_t row) { to_.layout_[row] = enum_layout(row); });
        Prototypes(index_).each([this](uint32_t row) { to_.layout_[row] = function_layout(row); });
    }

    Hash sum_of_members(uint32_t row) const {
        Hash sum;
        each_member(row, [&](Member member) {
            const Hash layout = is_flattened(member.name, member.type)
                                    ? at(&Fingerprints::layout_, sizes_.resolved(member.type))
                                    : member_layout(member);
            sum += Mover::moved(layout, member.bit_offset);
        });
        return sum;
    }

    // Sets the offset of a bitfield of an old producer, too: its type is an INT with fewer bits than its
    // size.
    Hash member_layout(Member& member) const {
        uint64_t bits = member.bitfield_size;
        if (bits == 0) {
            bits = size_in_bits(member.type);
            if (to_.uses_int_bits_) {
                read_int_bits(member, bits);
            }
        }
        Hasher hasher(Tag::member_layout);
        hasher.add(member.name).add(bits);
        if (const uint32_t inner = part(member.name, member.type)) {
            hasher.add(value_layout(inner));
        }
        return hasher.finish();
    }

    uint64_t size_in_bits(uint32_t type_id) const {
        const std::int64_t size = sizes_.size(type_id);
        return size == Sizes::kUnknown ? UINT64_MAX : 8 * static_cast<uint64_t>(size);
    }

    void read_int_bits(Member& member, uint64_t& bits) const {
        const uint32_t type_id = sizes_.resolved(member.type);
        if (type_id >= index_.end_id() || index_.kind_of(type_id) != Kind::Int) {
            return;
        }
        const Index& index = index_.owner(type_id);
        const uint32_t encoding = index.load(index.record(type_id - index.first_id()) + kHeadSize);
        if (int_bits(encoding) < bits) {
            bits = int_bits(encoding);
            member.bit_offset += int_bit_offset(encoding);
        }
    }

    Hash enum_layout(uint32_t row) const {
        const Kind kind = index_.kind(row);
        const Shape& shape = shape_of(kind);
        const uint32_t size = head(row);
        const uint64_t mask = size == 0 || size >= 8 ? UINT64_MAX : (uint64_t{1} << (8 * size)) - 1;
        Hash sum;
        for (uint32_t left = index_.elements(row, shape); left != 0; --left) {
            const std::byte* at = element(row, left - 1, shape);
            sum += Hasher(Tag::enumerator)
                       .add(name(index_.load(at + EnumField::name_off)))
                       .add(enum_value(index_, kind, at) & mask)
                       .finish();
        }
        return Hasher(Tag::enum_layout).add(size).add(sum).finish();
    }

    // Returns the layout of a value of a type: of a typedef, that of what it names.
    Hash value_layout(uint32_t type_id) const {
        const uint32_t resolved = sizes_.resolved(type_id);
        if (resolved >= index_.end_id()) {
            return kAbsent;
        }
        const Kind kind = index_.kind_of(resolved);
        if (is_composite(kind)) {
            return Hasher(Tag::composite_layout)
                .add(class_of(kind))
                .add(size_in_bits(resolved))
                .add(at(&Fingerprints::layout_, resolved))
                .finish();
        }
        if (is_enum(kind) || kind == Kind::FuncProto) {
            return at(&Fingerprints::layout_, resolved);
        }
        if (kind != Kind::Array) {
            return Hasher(Tag::value_layout).add(kind_and_size(type_id)).finish();
        }
        const uint32_t inner = sizes_.element(resolved);
        const bool is_cycle = inner >= index_.end_id() || index_.kind_of(inner) == Kind::Array;
        return Hasher(Tag::array_layout)
            .add(size_in_bits(resolved))
            .add(is_cycle ? kAbsent : value_layout(inner))
            .finish();
    }

    // Returns a type's kind and size as one word.
    uint64_t kind_and_size(uint32_t type_id) const {
        const uint32_t resolved = sizes_.resolved(type_id);
        const Kind kind = resolved < index_.end_id() ? index_.kind_of(resolved) : Kind::Void;
        return size_in_bits(type_id) << 8 | class_of(kind);
    }

    Hash function_layout(uint32_t row) const {
        Hasher hasher(Tag::function_layout);
        hasher.add(kind_and_size(target(row)));
        for (uint32_t i = 0, end = index_.elements(row, kParams); i != end; ++i) {
            hasher.add(kind_and_size(element_type(row, i, kParams)));
        }
        return hasher.finish();
    }

    // -- spellings and declarations

    void hash_spellings() {
        if (index_.first_record() != 0) {
            to_.spelling_[0] = Hasher(Tag::named).add(number(Kind::Void)).finish();
        }
        const auto set = [this](uint32_t row) {
            if ((to_.traits_[row] & kUnnamed) != 0) {
                states_[row] = State::pending;
            } else {
                to_.spelling_[row] = named_spelling(row);
            }
        };
        std::fill(to_.spelling_ + index_.first_record(), to_.spelling_ + index_.rows(), kAbsent);
        Derived(index_).each([this](uint32_t row) { states_[row] = State::pending; });
        Composites(index_).each(set);
        RowsOfKind<Kind::Typedef>(index_).each(set);
        OtherNamed(index_).each(set);
        in_order<Modifiers, RowsOfKind<Kind::Ptr>, RowsOfKind<Kind::Array>, Prototypes, Composites, Enums>(
            &Fingerprints::spelling_, [](uint32_t, uint32_t, uint32_t id) { return id; },
            [this](uint32_t row) { return derived_spelling(row); });
    }

    Hash named_spelling(uint32_t row) const {
        const Kind kind = index_.kind(row);
        const uint32_t name_off = index_.name_off(row);
        if (kind == Kind::Int && is_unnamed(name_off)) {
            return number_content(row);
        }
        // A FWD is spelled as what it declares.
        const bool is_union = kind == Kind::Fwd && info_kind_flag(word(row, HeadField::info));
        const Kind spelled = kind != Kind::Fwd ? kind : is_union ? Kind::Union : Kind::Struct;
        return Hasher(Tag::named).add(class_of(spelled)).add(name(name_off)).finish();
    }

    // Returns the hash of an INT or FLOAT.
    Hash number_content(uint32_t row) const {
        const uint32_t encoding = index_.kind(row) == Kind::Int ? word(row, kHeadSize) : 0;
        return Hasher(Tag::number)
            .add(class_of(index_.kind(row)))
            .add(name(index_.name_off(row)))
            .add(head(row))
            .add(encoding)
            .finish();
    }

    Hash spelling(uint32_t type_id) const { return at(&Fingerprints::spelling_, type_id); }

    Hash derived_spelling(uint32_t row) {
        const Kind kind = index_.kind(row);
        if (kind == Kind::Ptr) {
            return Hasher(Tag::pointer).add(spelling(target(row))).finish();
        }
        if (kind == Kind::Array) {
            return Hasher(Tag::array).add(nelems(row)).add(spelling(target(row))).finish();
        }
        if (is_modifier(kind)) {
            const uint32_t below = target(row);
            const unsigned before = qualifiers(below);
            const unsigned now = before | qualifier_of(kind);
            to_.traits_[row] = static_cast<uint8_t>(now << kQualifierBit);
            return now == before ? spelling(below) : spelling(below) ^ qualified(before) ^ qualified(now);
        }
        if (kind == Kind::FuncProto) {
            Hasher hasher(Tag::prototype);
            for (References left = references(row); left.left != 0;) {
                hasher.add(spelling(take(left)));
            }
            return hasher.finish();
        }
        return to_.declaration_[row] = declaration(row);
    }

    void hash_declarations() {
        Composites(index_).each([this](uint32_t row) { add_declaration(row); });
        Enums(index_).each([this](uint32_t row) { add_declaration(row); });
        Prototypes(index_).each([this](uint32_t row) { to_.declaration_[row] = function_declaration(row); });
    }

    void add_declaration(uint32_t row) {
        if ((to_.traits_[row] & kUnnamed) == 0) {
            to_.declaration_[row] = declaration(row);
        }
    }

    // Returns the declaration of a struct, union or enum. Only to be called when its layout is known.
    Hash declaration(uint32_t row) const {
        if (is_enum(index_.kind(row))) {
            return Hasher(Tag::enumeration)
                .add(to_.layout_[row])
                .add(uint64_t{info_kind_flag(word(row, HeadField::info))})
                .finish();
        }
        Hash sum;
        each_member(row, [&](const Member& member) {
            sum += member_hash(Tag::member, member, spelling(member.type));
        });
        return Hasher(Tag::composite)
            .add(class_of(index_.kind(row)))
            .add(head(row))
            .add(to_.layout_[row])
            .add(sum)
            .finish();
    }

    static Hash member_hash(Tag tag, const Member& member, const Hash& type) {
        return Hasher(tag)
            .add(member.name)
            .add(uint64_t{member.bitfield_size} << 32 | member.bit_offset)
            .add(type)
            .finish();
    }

    Hash function_declaration(uint32_t row) const {
        Hasher hasher(Tag::function);
        hasher.add(to_.layout_[row]).add(spelling(target(row)));
        for (uint32_t i = 0, end = index_.elements(row, kParams); i != end; ++i) {
            hasher.add(name(index_.load(element(row, i, kParams) + ParamField::name_off)));
            hasher.add(spelling(element_type(row, i, kParams)));
        }
        return hasher.finish();
    }

    // Returns the declaration of a typedef or variable.
    Hash alias_declaration(uint32_t row) const {
        return Hasher(Tag::alias).add(value_layout(target(row))).add(spelling(target(row))).finish();
    }

    // -- embedded types

    void hash_embedded() {
        std::array<Hash, kMaxKinds> of_kind;
        for (std::size_t kind = 0; kind != kMaxKinds; ++kind) {
            of_kind[kind] = Hasher(Tag::unnamed).add(kind).finish();
        }
        if (index_.first_record() != 0) {
            to_.embedded_[0] = kAbsent;
        }
        for (std::size_t row = index_.first_record(); row != index_.rows(); ++row) {
            to_.embedded_[row] = of_kind[index_.kinds()[row]];
        }
        Numbers(index_).each([this](uint32_t row) { to_.embedded_[row] = number_content(row); });
        Enums(index_).each([this](uint32_t row) { to_.embedded_[row] = to_.declaration_[row]; });
        Embedding(index_).each([this](uint32_t row) { states_[row] = State::pending; });
        in_order<Modifiers, RowsOfKind<Kind::Typedef>, RowsOfKind<Kind::Array>, Composites, Prototypes>(
            &Fingerprints::embedded_, [](uint32_t, uint32_t, uint32_t id) { return id; },
            [this](uint32_t row) { return embedded(row); });
    }

    Hash held(uint32_t type_id) const { return at(&Fingerprints::embedded_, type_id); }

    Hash embedded(uint32_t row) const {
        const Kind kind = index_.kind(row);
        if (is_modifier(kind)) {
            return held(target(row));
        }
        if (kind == Kind::Typedef) {
            return deep(alias_declaration(row), held(target(row)));
        }
        if (kind == Kind::Array) {
            return Hasher(Tag::array).add(nelems(row)).add(held(target(row))).finish();
        }
        if (kind == Kind::FuncProto) {
            Hasher hasher(Tag::prototype);
            for (References left = references(row); left.left != 0;) {
                hasher.add(held(take(left)));
            }
            return deep(to_.declaration_[row], hasher.finish());
        }
        Hash sum;
        each_member(
            row, [&](const Member& member) { sum += member_hash(Tag::embedded, member, held(member.type)); });
        return deep(to_.declaration_[row], sum);
    }

    static Hash deep(const Hash& declaration, const Hash& held) {
        return Hasher(Tag::embedded).add(declaration).add(held).finish();
    }

    // -- the table

    struct Depths {
        Hash layout, declaration, deep;
    };

    Depths depths(uint32_t row) const {
        const uint32_t id = index_.id(row);
        const Kind kind = index_.kind(row);
        if (is_composite(kind) || is_enum(kind)) {
            return {value_layout(id), to_.declaration_[row], to_.embedded_[row]};
        }
        const uint32_t type = target(row);
        if (kind != Kind::Func) {
            const Hash declaration = alias_declaration(row);
            return {value_layout(type), declaration, deep(declaration, held(type))};
        }
        if (index_.kind_of(type) != Kind::FuncProto) {
            return {kAbsent, kAbsent, kAbsent};
        }
        return {at(&Fingerprints::layout_, type), at(&Fingerprints::declaration_, type), held(type)};
    }

    void fill_table() {
        const Entities entities(index_);
        const std::size_t rows = entities.records();
        Table& table = to_.table_;
        auto* id = table.add<uint32_t>("id", rows);
        auto* kind = table.add<uint8_t>("kind", rows);
        auto* layout_high = table.add<uint64_t>("layout_high", rows);
        auto* layout_low = table.add<uint64_t>("layout_low", rows);
        auto* declaration_high = table.add<uint64_t>("declaration_high", rows);
        auto* declaration_low = table.add<uint64_t>("declaration_low", rows);
        auto* deep_high = table.add<uint64_t>("deep_high", rows);
        auto* deep_low = table.add<uint64_t>("deep_low", rows);
        std::size_t to = 0;
        entities.each([&](uint32_t row) {
            const Depths found = depths(row);
            id[to] = index_.id(row);
            kind[to] = index_.kinds()[row];
            layout_high[to] = found.layout.high;
            layout_low[to] = found.layout.low;
            declaration_high[to] = found.declaration.high;
            declaration_low[to] = found.declaration.low;
            deep_high[to] = found.deep.high;
            deep_low[to] = found.deep.low;
            ++to;
        });
    }

    Fingerprints& to_;
    const Sizes& sizes_;
    const Btf& btf_;
    const Index& index_;
    const Strings& strings_;
    std::vector<State> states_;  // of `computed_`
    Hashes computed_ = nullptr;
    std::vector<uint32_t> first_member_;
    std::vector<Hash> member_names_;
    std::vector<Frame> frames_;
};

Fingerprints::Fingerprints(std::shared_ptr<const BtfSizes> sizes, std::shared_ptr<const Fingerprints> base)
    : sizes_(std::move(sizes)),
      base_(std::move(base)),
      first_id_(sizes_->btf().index().first_id()),
      arena_(std::uint64_t{sizes_->btf().index().rows()} * (sizeof(uint8_t) + 4 * sizeof(Hash))),
      table_(arena_),
      uses_int_bits_(base_ != nullptr && base_->uses_int_bits_) {
    const std::size_t rows = sizes_->btf().index().rows();
    layout_ = arena_.allocate<Hash>(rows);
    declaration_ = arena_.allocate<Hash>(rows);
    spelling_ = arena_.allocate<Hash>(rows);
    embedded_ = arena_.allocate<Hash>(rows);
    traits_ = arena_.allocate<uint8_t>(rows);
    Builder(*this).build();
}

Fingerprints::~Fingerprints() {
    auto base = std::move(base_);
    while (base != nullptr && base.use_count() == 1) {
        base = std::move(const_cast<Fingerprints&>(*base).base_);
    }
}

}  // namespace btfmmap
