#include "core/fingerprint/declarations.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/endian.hpp"
#include "core/fingerprint/dependency_order.hpp"
#include "core/fingerprint/hash.hpp"
#include "core/fingerprint/layouts.hpp"
#include "core/fingerprint/records.hpp"
#include "core/index/enums.hpp"
#include "core/index/references.hpp"
#include "core/names/empty_name.hpp"

namespace btfmmap::fingerprint {

namespace {

using std::uint32_t;
using std::uint64_t;
using std::uint8_t;

// Stands for a hash that is not known yet.
constexpr Hash kPending;

bool is_unknown(const Hash& hash) { return hash.high == kPending.high; }

// Returns a hash that differs from kPending.
Hash known(Hash hash) {
    hash.high += hash.high == kPending.high ? 1 : 0;
    return hash;
}

constexpr Hash kEnumerator = Hasher(Tag::enumerator).finish();

uint8_t qualifier_of(Kind kind) {
    return kind == Kind::Const      ? Contents::kConst
           : kind == Kind::Volatile ? Contents::kVolatile
           : kind == Kind::Restrict ? Contents::kRestrict
                                    : uint8_t{0};
}

// Added to the spelling of a type by a set of qualifiers. That of the empty set is 0, so that adding a
// qualifier to a set replaces one addition by another, and the order of qualifiers does not count.
Hash qualified(uint8_t set) {
    return set == 0 ? Hash() : Hasher(Tag::qualifiers).add(uint64_t{set}).finish();
}

Hash named(Kind kind, const Hash& name) { return Hasher(Tag::named).add(class_of(kind)).add(name).finish(); }

// All rows are hashed.
struct All {
    static constexpr bool is_spelled(uint32_t) { return true; }
    static constexpr bool is_hashed(uint32_t) { return true; }
};

// Whether a type of this kind is spelled by its name, if it has one.
constexpr bool is_spelled_by_name(Kind kind) {
    return is_composite(kind) || is_enum(kind) || kind == Kind::Fwd || kind == Kind::Typedef ||
           kind == Kind::Int || kind == Kind::Float;
}

// Some rows are hashed, with those that their hashes depend on. Of a type that is behind pointers only and is
// spelled by its name, the spelling is enough.
class Some {
public:
    Some(const Contents& contents, const std::vector<uint32_t>& rows)
        : index_(contents.index), strings_(contents.btf.strings()), marks_(index_.rows()) {
        for (const uint32_t row : rows) {
            mark(row, Mark::hashed);
        }
        while (!pending_.empty()) {
            const uint32_t row = pending_.back();
            pending_.pop_back();
            each_reference(index_, row, [&](Reference what, const std::byte* word) {
                const uint32_t type_id = index_.load(word);
                if (what == Reference::type && type_id != 0 && type_id >= index_.first_id() &&
                    type_id < index_.end_id()) {
                    const uint32_t type = type_id - index_.first_id();
                    const bool by_name = index_.kind(row) == Kind::Ptr && has_spelled_name(type);
                    mark(type, by_name ? Mark::spelled : Mark::hashed);
                }
            });
        }
    }

    bool is_spelled(uint32_t row) const { return marks_[row] != Mark::none; }
    bool is_hashed(uint32_t row) const { return marks_[row] == Mark::hashed; }

private:
    enum class Mark : uint8_t { none, spelled, hashed };

    bool has_spelled_name(uint32_t row) const {
        return is_spelled_by_name(index_.kind(row)) && !is_empty_name(strings_, index_.name_off(row));
    }

    void mark(uint32_t row, Mark mark) {
        if (marks_[row] < mark) {
            marks_[row] = mark;
            if (mark == Mark::hashed) {
                pending_.push_back(row);
            }
        }
    }

    const Index& index_;
    const Strings& strings_;
    std::vector<Mark> marks_;
    std::vector<uint32_t> pending_;
};

// The spellings of named types are set first, and those of all enums. Other types follow those that they
// refer to. A struct or union without a name is spelled as its declaration.
// `Rows` is All or Some.
template <class Load, class Rows>
class Declarations {
public:
    Declarations(Contents& to, const Rows& rows)
        : to_(to), index_(to.index), rows_(rows), records_(to.index, to.btf.strings()), layouts_(to) {}

    void hash_all() {
        set_spellings_of_kinds();
        set_spellings_of_names();
        each<Enums>([this](uint32_t row) { hash_enum(row); });
        DependencyOrder<Declarations> order(index_, *this);
        const auto hash = [&order](uint32_t row) { order.hash(row); };
        // Kind by kind: the order of rows is unpredictable, that of kinds is not.
        each<Modifiers>(hash);
        each<Pointers>(hash);
        each<Arrays>(hash);
        each<Prototypes>(hash);
        // Those without a name first, so that others seldom wait for them.
        each<Composites>([&](uint32_t row) {
            if ((to_.traits[row] & Contents::kUnnamedComposite) != 0) {
                order.hash(row);
            }
        });
        each<Composites>([&](uint32_t row) {
            if (rows_.is_hashed(row)) {
                order.hash(row);
            }
        });
    }

    bool is_pending(uint32_t row) const {
        return is_unknown(is_composite(index_.kind(row)) ? to_.definitions[row].declaration
                                                         : to_.spellings[row]);
    }

    uint32_t pending(uint32_t row, const std::byte* at) const {
        const uint32_t type_id = records_.type_at(at);
        if (to_.has(type_id) && is_unknown(to_.spellings[to_.row(type_id)])) {
            return to_.row(type_id);
        }
        if (is_composite(index_.kind(row))) {
            const Hash name = records_.name_at(at - MemberField::type + MemberField::name_off);
            const uint32_t part = layouts_.part(type_id, !(name == kEmptyName));
            return is_pending_part(part) ? to_.row(part) : kNoRow;
        }
        return kNoRow;
    }

    void enter(uint32_t row) {
        to_.definitions[row] = {kAbsent, kAbsent};
        set(row, kAbsent);
    }

    bool hash_composite(uint32_t row) {
        const bool flag = records_.kind_flag(row);
        Hash layout, members;
        const bool done = records_.template all_elements<Kind::Struct>(row, [&](const std::byte* at) {
            const Member member = records_.member(at, flag);
            const Hash& type = spelling(member.type);
            const uint32_t part = layouts_.part(member.type, member.has_name());
            if (is_unknown(type) || is_pending_part(part)) {
                return false;
            }
            members += element_hash(member.name, member.place(), type);
            layout += layouts_.member(member, part);
            return true;
        });
        if (done) {
            to_.definitions[row].layout = layout;
            set(row, Hasher(Tag::composite)
                         .add(class_of(index_.kind(row)))
                         .add(records_.size(row))
                         .add(layout)
                         .add(members)
                         .finish());
        }
        return done;
    }

    bool hash_prototype(uint32_t row) {
        Hasher layout(Tag::function_layout), types(Tag::prototype), names(Tag::function);
        const auto add = [&](uint32_t type_id) {
            const Hash& type = spelling(type_id);
            types.add(type);
            layout.add(layouts_.kind_and_size(type_id));
            return !is_unknown(type);
        };
        const bool done = add(records_.target(row)) &&
                          records_.template all_elements<Kind::FuncProto>(row, [&](const std::byte* at) {
                              names.add(records_.name_at(at + ParamField::name_off));
                              return add(records_.type_at(at + ParamField::type));
                          });
        if (done) {
            const Hash layout_hash = layout.finish(), spelled = types.finish();
            to_.definitions[row] = {layout_hash, names.add(layout_hash).add(spelled).finish()};
            to_.spellings[row] = spelled;
        }
        return done;
    }

    // Hashes a pointer, array or modifier.
    bool hash_derived(uint32_t row) {
        const uint32_t type_id = records_.target(row);
        const Hash below = spelling(type_id);
        if (is_unknown(below)) {
            return false;
        }
        const Kind kind = index_.kind(row);
        if (kind == Kind::Ptr) {
            to_.spellings[row] = Hasher(Tag::pointer).add(below).finish();
        } else if (kind == Kind::Array) {
            const uint64_t nelems = records_.word(row, kHeadSize + ArrayField::nelems);
            to_.spellings[row] = Hasher(Tag::array).add(nelems).add(below).finish();
        } else {
            const uint8_t before = to_.of(type_id, &Contents::traits) & Contents::kQualifiers;
            const auto now = static_cast<uint8_t>(before | qualifier_of(kind));
            to_.traits[row] = now;
            to_.spellings[row] = now == before ? below : known(below ^ qualified(before) ^ qualified(now));
        }
        return true;
    }

private:
    template <class Kinds, class Visit>
    void each(Visit visit) const {
        Kinds(index_).each([&](uint32_t row) {
            if (rows_.is_spelled(row)) {
                visit(row);
            }
        });
    }

    // Sets the spellings of all rows. C spells no kinds but these and the named ones.
    void set_spellings_of_kinds() {
        std::array<Hash, kMaxKinds> spellings;
        spellings.fill(kAbsent);
        const auto spelling = [&spellings](Kind kind) -> Hash& {
            return spellings[static_cast<std::size_t>(kind)];
        };
        spelling(Kind::Void) = Hasher(Tag::named).add(class_of(Kind::Void)).finish();
        for (const Kind kind : {Kind::Ptr, Kind::Array, Kind::FuncProto, Kind::Const, Kind::Volatile,
                                Kind::Restrict, Kind::TypeTag}) {
            spelling(kind) = kPending;
        }
        std::transform(index_.kinds(), index_.kinds() + index_.rows(), to_.spellings,
                       [&spellings](uint8_t kind) { return spellings[kind]; });
        std::fill_n(to_.traits, index_.rows(), uint8_t{0});
    }

    void set_spellings_of_names() {
        each<Composites>([this](uint32_t row) {
            const Hash name = records_.name(row);
            const bool unnamed = name == kEmptyName;
            to_.traits[row] = unnamed ? Contents::kUnnamedComposite : uint8_t{0};
            to_.definitions[row].declaration = kPending;
            to_.spellings[row] = unnamed ? kPending : named(index_.kind(row), name);
        });
        each<RowsOfKind<Kind::Typedef, Kind::Float>>(
            [this](uint32_t row) { to_.spellings[row] = named(index_.kind(row), records_.name(row)); });
        // A FWD is spelled as what it declares.
        each<RowsOfKind<Kind::Fwd>>([this](uint32_t row) {
            const Kind declared = records_.kind_flag(row) ? Kind::Union : Kind::Struct;
            to_.spellings[row] = named(declared, records_.name(row));
        });
        each<RowsOfKind<Kind::Int>>([this](uint32_t row) {
            const Hash name = records_.name(row);
            to_.spellings[row] = name == kEmptyName ? records_.number(row) : named(Kind::Int, name);
            to_.uses_int_bits |= int_bits(records_.word(row, kHeadSize)) != uint64_t{8} * records_.size(row);
        });
    }

    void hash_enum(uint32_t row) {
        const Kind kind = index_.kind(row);
        const Hash values =
            kind == Kind::Enum ? sum_of_values<Kind::Enum>(row) : sum_of_values<Kind::Enum64>(row);
        to_.definitions[row].layout = Hasher(Tag::enum_layout).add(records_.size(row)).add(values).finish();
        to_.definitions[row].declaration = Hasher(Tag::enumeration)
                                               .add(to_.definitions[row].layout)
                                               .add(uint64_t{records_.kind_flag(row)})
                                               .finish();
        const Hash name = records_.name(row);
        to_.spellings[row] = name == kEmptyName ? to_.definitions[row].declaration : named(kind, name);
    }

    template <Kind kind>
    Hash sum_of_values(uint32_t row) const {
        const uint32_t size = records_.size(row);
        const uint64_t mask = size == 0 || size >= 8 ? UINT64_MAX : (uint64_t{1} << (8 * size)) - 1;
        Hash values;
        records_.template all_elements<kind>(row, [&](const std::byte* at) {
            values += element_hash(records_.name_at(at + EnumField::name_off),
                                   enum_value(index_, kind, at) & mask, kEnumerator);
            return true;
        });
        return values;
    }

    const Hash& spelling(uint32_t type_id) const { return to_.of(type_id, &Contents::spellings); }

    // Whether the layout of a struct or union that is part of another, or void, is not known.
    bool is_pending_part(uint32_t part) const {
        return part != 0 && to_.has(part) && is_unknown(to_.definitions[to_.row(part)].declaration);
    }

    // Sets what DependencyOrder waits for.
    void set(uint32_t row, const Hash& hash) {
        const bool composite = is_composite(index_.kind(row));
        if (composite) {
            to_.definitions[row].declaration = hash;
        }
        if (!composite || (to_.traits[row] & Contents::kUnnamedComposite) != 0) {
            to_.spellings[row] = hash;
        }
    }

    Contents& to_;
    const Index& index_;
    const Rows& rows_;
    const Records<Load> records_;
    const Layouts layouts_;
};

template <class Rows>
void hash(Contents& contents, const Rows& rows) {
    with_byte_order(contents.index.order(),
                    [&](auto load) { Declarations<decltype(load), Rows>(contents, rows).hash_all(); });
}

}  // namespace

void hash_declarations(Contents& contents) { hash(contents, All()); }

void hash_declarations(Contents& contents, const std::vector<uint32_t>& rows) {
    hash(contents, Some(contents, rows));
}

}  // namespace btfmmap::fingerprint
