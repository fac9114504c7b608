#include "core/core_relo/type_match.hpp"

#include "core/core_relo/essential_name.hpp"
#include "core/core_relo/types.hpp"

namespace btfmmap::core_relo {

namespace {

using std::uint32_t;

constexpr unsigned kMaxDepth = 32;
constexpr std::uint8_t kSigned = 1;  // of an INT's encoding

class Matcher {
public:
    Matcher(const Btf& local, const Btf& target, Budget& budget)
        : local_(local), target_(target), budget_(budget) {}

    // Recurses once per level of members and parameters, at most kMaxDepth times.
    Verdict match(uint32_t local_id, uint32_t target_id, bool behind_pointer, unsigned levels) {
        const uint32_t outermost = target_id;
        if (levels == 0) {
            return too_deep(outermost);
        }
        for (unsigned depth = 0; depth != kMaxDepth; ++depth) {
            if (!budget_.spend()) {
                return too_much_work(target_id);
            }
            const auto local_resolved = resolve(local_, local_id);
            const auto target_resolved = resolve(target_, target_id);
            if (!local_resolved || !target_resolved) {
                return Verdict::failed(
                    Failure::invalid(Reason::chain_too_long, local_resolved ? target_id : local_id));
            }
            const TypeRecord local(local_, *local_resolved), target(target_, *target_resolved);
            if (!have_equal_names(local.index->name_off(local.row), target.index->name_off(target.row))) {
                return Verdict::of(false);
            }
            switch (local.kind()) {
                case Kind::Void:
                    return Verdict::of(target.kind() == Kind::Void);
                case Kind::Fwd:
                    return Verdict::of(matches_declaration(local, target, behind_pointer));
                case Kind::Enum:
                case Kind::Enum64:
                    return is_enum(target.kind()) ? match_enums(local, target) : Verdict::of(false);
                case Kind::Struct:
                case Kind::Union:
                    if (behind_pointer) {
                        return Verdict::of(names_composite(local, target));
                    }
                    return local.kind() == target.kind() ? match_members(local, target, levels)
                                                         : Verdict::of(false);
                case Kind::Int:
                    return Verdict::of(local.kind() == target.kind() &&
                                       local.size_or_type() == target.size_or_type() &&
                                       is_signed(local) == is_signed(target));
                case Kind::Ptr:
                    behind_pointer = true;
                    break;
                case Kind::Array:
                    if (local.kind() == target.kind() && array_length(local) != array_length(target)) {
                        return Verdict::of(false);
                    }
                    break;
                case Kind::FuncProto:
                    if (local.kind() == target.kind()) {
                        const Verdict verdict = match_parameters(local, target, behind_pointer, levels);
                        if (!verdict.yes) {
                            return verdict;
                        }
                    }
                    break;
                default:  // as in libbpf, which does not expect FLOAT and FUNC here
                    return Verdict::of(false);
            }
            if (local.kind() != target.kind()) {
                return Verdict::of(false);
            }
            local_id = local.target();
            target_id = target.target();
        }
        return too_deep(outermost);
    }

private:
    static Verdict too_deep(uint32_t id) {
        return Verdict::failed(Failure::invalid(Reason::nesting_too_deep, id));
    }
    static Verdict too_much_work(uint32_t id) {
        return Verdict::failed(Failure::too_big(Reason::too_much_work, id));
    }

    static bool is_signed(const TypeRecord& integer) {
        return (int_encoding(integer.word(kHeadSize)) & kSigned) != 0;
    }

    bool have_equal_names(uint32_t local_off, uint32_t target_off) const {
        return has_essential_name(target_.strings(), target_off,
                                  essential(name_at(local_.strings(), local_off)));
    }

    // A forward declaration has the kind flag if it is of a union.
    static bool declares(const TypeRecord& declaration, Kind kind) {
        return kind == (declaration.flag() ? Kind::Union : Kind::Struct);
    }

    static bool matches_declaration(const TypeRecord& local, const TypeRecord& target, bool behind_pointer) {
        if (target.kind() == Kind::Fwd) {
            return local.flag() == target.flag();
        }
        return behind_pointer && declares(local, target.kind());
    }

    static bool names_composite(const TypeRecord& local, const TypeRecord& target) {
        return local.kind() == target.kind() ||
               (target.kind() == Kind::Fwd && declares(target, local.kind()));
    }

    Verdict match_enums(const TypeRecord& local, const TypeRecord& target) {
        const uint32_t wanted = local.elements(), there = target.elements();
        if (local.size_or_type() != target.size_or_type() || wanted > there) {
            return Verdict::of(false);
        }
        for (uint32_t i = 0; i != wanted; ++i) {
            const std::string_view name =
                essential(name_at(local_.strings(), local.load(local.element(i) + EnumField::name_off)));
            uint32_t j = 0;
            while (j != there &&
                   !has_essential_name(target_.strings(),
                                       target.load(target.element(j) + EnumField::name_off), name)) {
                ++j;
            }
            if (!budget_.spend(j + 1)) {
                return too_much_work(target.id);
            }
            if (j == there) {
                return Verdict::of(false);
            }
        }
        return Verdict::of(true);
    }

    Verdict match_members(const TypeRecord& local, const TypeRecord& target, unsigned levels) {
        const uint32_t wanted = local.elements(), there = target.elements();
        if (wanted > there) {
            return Verdict::of(false);
        }
        for (uint32_t i = 0; i != wanted; ++i) {
            const Member member = member_of(local, i);
            const std::string_view name = essential(name_at(local_.strings(), member.name_off));
            bool found = false;
            for (uint32_t j = 0; j != there && !found; ++j) {
                if (!budget_.spend()) {
                    return too_much_work(target.id);
                }
                const Member other = member_of(target, j);
                if (has_essential_name(target_.strings(), other.name_off, name)) {
                    const Verdict verdict = match(member.type, other.type, false, levels - 1);
                    if (verdict.failure) {
                        return verdict;
                    }
                    found = verdict.yes;
                }
            }
            if (!found) {
                return Verdict::of(false);
            }
        }
        return Verdict::of(true);
    }

    Verdict match_parameters(const TypeRecord& local, const TypeRecord& target, bool behind_pointer,
                             unsigned levels) {
        const uint32_t count = local.elements();
        if (count != target.elements()) {
            return Verdict::of(false);
        }
        for (uint32_t i = 0; i != count; ++i) {
            const Verdict verdict =
                match(local.element_type(i, ParamField::type), target.element_type(i, ParamField::type),
                      behind_pointer, levels - 1);
            if (!verdict.yes) {
                return verdict;
            }
        }
        return Verdict::of(true);
    }

    const Btf& local_;
    const Btf& target_;
    Budget& budget_;
};

}  // namespace

Verdict do_types_match(const TypePair& types, Budget& budget) {
    return Matcher(types.local, types.target, budget)
        .match(types.local_id, types.target_id, false, kMaxDepth);
}

}  // namespace btfmmap::core_relo
