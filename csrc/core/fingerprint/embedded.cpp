#include "core/fingerprint/embedded.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "core/base/endian.hpp"
#include "core/fingerprint/dependency_order.hpp"
#include "core/fingerprint/hash.hpp"
#include "core/fingerprint/layouts.hpp"
#include "core/fingerprint/records.hpp"

namespace btfmmap::fingerprint {

namespace {

using std::uint32_t;

// The hash of a type that is fully described by its spelling, such as a pointer.
constexpr Hash kNothing{0, 0};
// Stands for a hash that is not known yet. The high half of all known ones but kNothing is not 0.
constexpr Hash kPending{0, 1};

bool is_unknown(const Hash& hash) { return hash.high == kPending.high && hash.low == kPending.low; }

template <class Load>
class Embedded {
public:
    explicit Embedded(Contents& to)
        : to_(to), index_(to.index), records_(to.index, to.btf.strings()), layouts_(to) {}

    void hash_all() {
        set_by_kind();
        RowsOfKind<Kind::Int, Kind::Float>(index_).each(
            [this](uint32_t row) { to_.embedded[row] = records_.number(row); });
        Enums(index_).each([this](uint32_t row) { to_.embedded[row] = to_.definitions[row].declaration; });
        DependencyOrder<Embedded> order(index_, *this);
        order.template hash<Modifiers, Typedefs, Arrays, Composites, Prototypes>();
    }

    bool is_pending(uint32_t row) const { return is_unknown(to_.embedded[row]); }

    uint32_t pending(uint32_t, const std::byte* at) const {
        const uint32_t type_id = records_.type_at(at);
        return to_.has(type_id) && is_pending(to_.row(type_id)) ? to_.row(type_id) : kNoRow;
    }

    void enter(uint32_t row) { to_.embedded[row] = kAbsent; }

    bool hash_composite(uint32_t row) {
        const bool flag = records_.kind_flag(row);
        Hash members;
        const bool done = records_.template all_elements<Kind::Struct>(row, [&](const std::byte* at) {
            const Hash& type = held(records_.type_at(at + MemberField::type));
            if (type.high == kNothing.high) {
                return type.low == kNothing.low;
            }
            const Member member = records_.member(at, flag);
            members += element_hash(member.name, member.place(), type);
            return true;
        });
        if (done) {
            set_deep(row, members);
        }
        return done;
    }

    bool hash_prototype(uint32_t row) {
        Hasher types(Tag::prototype);
        const auto add = [&](uint32_t type_id) {
            const Hash& type = held(type_id);
            types.add(type);
            return !is_unknown(type);
        };
        const bool done = add(records_.target(row)) &&
                          records_.template all_elements<Kind::FuncProto>(row, [&](const std::byte* at) {
                              return add(records_.type_at(at + ParamField::type));
                          });
        if (done) {
            set_deep(row, types.finish());
        }
        return done;
    }

    // Hashes a typedef, array or modifier. What arrays and modifiers add is part of the spelling.
    bool hash_derived(uint32_t row) {
        const uint32_t type_id = records_.target(row);
        const bool is_typedef = index_.kind(row) == Kind::Typedef;
        if (is_typedef) {
            to_.definitions[row].declaration = alias_declaration(to_, layouts_, type_id);
        }
        const Hash& type = held(type_id);
        if (is_unknown(type)) {
            return false;
        }
        to_.embedded[row] = is_typedef ? deep(to_.definitions[row].declaration, type) : type;
        return true;
    }

private:
    void set_by_kind() {
        std::array<Hash, kMaxKinds> hashes;
        hashes.fill(kNothing);
        for (const Kind kind : {Kind::Struct, Kind::Union, Kind::Array, Kind::FuncProto, Kind::Typedef,
                                Kind::Const, Kind::Volatile, Kind::Restrict, Kind::TypeTag}) {
            hashes[static_cast<std::size_t>(kind)] = kPending;
        }
        std::transform(index_.kinds(), index_.kinds() + index_.rows(), to_.embedded,
                       [&hashes](std::uint8_t kind) { return hashes[kind]; });
    }

    const Hash& held(uint32_t type_id) const { return to_.of(type_id, &Contents::embedded); }

    void set_deep(uint32_t row, const Hash& content) {
        to_.embedded[row] = deep(to_.definitions[row].declaration, content);
    }

    Contents& to_;
    const Index& index_;
    const Records<Load> records_;
    const Layouts layouts_;
};

}  // namespace

void hash_embedded(Contents& contents) {
    with_byte_order(contents.index.order(),
                    [&](auto load) { Embedded<decltype(load)>(contents).hash_all(); });
}

}  // namespace btfmmap::fingerprint
