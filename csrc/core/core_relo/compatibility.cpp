#include "core/core_relo/compatibility.hpp"

#include "core/core_relo/essential_name.hpp"
#include "core/core_relo/types.hpp"

namespace btfmmap::core_relo {

namespace {

using std::uint32_t;

constexpr unsigned kMaxDepth = 32;

// Deprecated bitfields are INTs that do not start at bit 0.
bool start_at_bit_0(const TypeRecord& local, const TypeRecord& target) {
    return int_bit_offset(local.word(kHeadSize)) == 0 && int_bit_offset(target.word(kHeadSize)) == 0;
}

// Resolves both types. Returns the failure if one of them is a chain that is too long.
Failure resolve_both(const Btf& local, uint32_t& local_id, const Btf& target, uint32_t& target_id) {
    const auto local_resolved = resolve(local, local_id);
    const auto target_resolved = resolve(target, target_id);
    if (!local_resolved || !target_resolved) {
        return Failure::invalid(Reason::chain_too_long, local_resolved ? target_id : local_id);
    }
    local_id = *local_resolved;
    target_id = *target_resolved;
    return {};
}

bool have_compatible_names(const TypeRecord& local, const TypeRecord& target) {
    const std::string_view wanted = name_at(local.btf->strings(), local.index->name_off(local.row));
    const std::string_view found = name_at(target.btf->strings(), target.index->name_off(target.row));
    return wanted.empty() || found.empty() || essential(wanted) == essential(found);
}

Verdict compare_types(TypePair types, Budget& budget, unsigned levels);

Verdict compare_parameters(const TypeRecord& local, const TypeRecord& target, Budget& budget,
                           unsigned levels) {
    const uint32_t count = local.elements();
    if (count != target.elements()) {
        return Verdict::of(false);
    }
    for (uint32_t i = 0; i != count; ++i) {
        if (levels == 0) {
            return Verdict::failed(Failure::invalid(Reason::nesting_too_deep, target.id));
        }
        uint32_t local_id = local.element_type(i, ParamField::type);
        uint32_t target_id = target.element_type(i, ParamField::type);
        if (const Failure failure = resolve_both(*local.btf, local_id, *target.btf, target_id)) {
            return Verdict::failed(failure);
        }
        const Verdict verdict =
            compare_types({*local.btf, local_id, *target.btf, target_id}, budget, levels - 1);
        if (!verdict.yes) {
            return verdict;
        }
    }
    return Verdict::of(true);
}

// Recurses once per level of prototypes as parameters, at most kMaxDepth times.
Verdict compare_types(TypePair types, Budget& budget, unsigned levels) {
    uint32_t local_id = types.local_id, target_id = types.target_id;
    for (unsigned depth = 0; depth != kMaxDepth; ++depth) {
        if (!budget.spend()) {
            return Verdict::failed(Failure::too_big(Reason::too_much_work, target_id));
        }
        if (const Failure failure = resolve_both(types.local, local_id, types.target, target_id)) {
            return Verdict::failed(failure);
        }
        const TypeRecord local(types.local, local_id), target(types.target, target_id);
        if (!is_same_kind(local.kind(), target.kind())) {
            return Verdict::of(false);
        }
        switch (local.kind()) {
            case Kind::Void:
            case Kind::Struct:
            case Kind::Union:
            case Kind::Enum:
            case Kind::Enum64:
            case Kind::Fwd:
                return Verdict::of(true);
            case Kind::Int:
                return Verdict::of(start_at_bit_0(local, target));
            case Kind::FuncProto:
                if (const Verdict verdict = compare_parameters(local, target, budget, levels); !verdict.yes) {
                    return verdict;
                }
                break;
            case Kind::Ptr:
            case Kind::Array:
                break;
            default:  // as in libbpf, which does not expect FLOAT here
                return Verdict::of(false);
        }
        local_id = local.target();
        target_id = target.target();
    }
    return Verdict::failed(Failure::invalid(Reason::nesting_too_deep, types.target_id));
}

}  // namespace

Verdict are_types_compatible(const TypePair& types, Budget& budget) {
    if (!is_same_kind(TypeRecord(types.local, types.local_id).kind(),
                      TypeRecord(types.target, types.target_id).kind())) {
        return Verdict::of(false);
    }
    return compare_types(types, budget, kMaxDepth);
}

Verdict are_fields_compatible(const TypePair& types, Budget& budget) {
    uint32_t local_id = types.local_id, target_id = types.target_id;
    while (budget.spend()) {
        if (const Failure failure = resolve_both(types.local, local_id, types.target, target_id)) {
            return Verdict::failed(failure);
        }
        const TypeRecord local(types.local, local_id), target(types.target, target_id);
        if (is_composite(local.kind()) && is_composite(target.kind())) {
            return Verdict::of(true);
        }
        if (!is_same_kind(local.kind(), target.kind())) {
            return Verdict::of(false);
        }
        switch (local.kind()) {
            case Kind::Ptr:
            case Kind::Float:
                return Verdict::of(true);
            case Kind::Fwd:
            case Kind::Enum:
            case Kind::Enum64:
                return Verdict::of(have_compatible_names(local, target));
            case Kind::Int:
                return Verdict::of(start_at_bit_0(local, target));
            case Kind::Array:
                local_id = local.target();
                target_id = target.target();
                break;
            default:
                return Verdict::of(false);
        }
    }
    return Verdict::failed(Failure::too_big(Reason::too_much_work, target_id));
}

}  // namespace btfmmap::core_relo
