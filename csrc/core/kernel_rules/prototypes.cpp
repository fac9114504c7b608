// Functions and their types: btf_func_proto_check and btf_func_check of the kernel.

#include <string>

#include "core/kernel_rules/resolver.hpp"

namespace btfmmap::kernel_rules {

using std::uint32_t;

namespace {

constexpr std::size_t kParamSize = shape_of(Kind::FuncProto).element;

}  // namespace

void Resolver::check_prototype(uint32_t type_id) {
    const uint32_t result = types_.size_or_type(type_id);
    if (result != 0 && lacks_size(result)) {
        fault_in_type(Rule::return_type, type_id, HeadField::size_or_type,
                      "returns " + type_text(result) + ", " + unusable_text(result));
    }
    uint32_t count = types_.elements<Kind::FuncProto>(type_id);
    const std::byte* param = types_.record(type_id) + kHeadSize;
    Params params = Params::named;
    const auto bad = [&](uint32_t number_, const std::byte* word, const std::string& what) {
        fault(Rule::argument, type_id, word, "has a parameter " + number(number_) + " " + what);
    };
    if (count != 0) {
        const std::byte* last = param + std::size_t{count - 1} * kParamSize;
        if (types_.load(last + ParamField::type) == 0) {
            --count;  // it stands for variable arguments
            if (types_.load(last + ParamField::name_off) != 0) {
                bad(count, last + ParamField::name_off, "of type void that has a name");
            }
        }
    }
    for (uint32_t i = 0; i != count; ++i, param += kParamSize) {
        const uint32_t target = types_.load(param + ParamField::type);
        const uint32_t name_off = types_.load(param + ParamField::name_off);
        if (name_off == 0 && target != 0) {
            params = Params::unnamed;
        }
        if (name_off != 0 && (!names_.offset_valid(name_off) || !names_.identifier(name_off))) {
            bad(i, param + ParamField::name_off, "whose name is not an identifier");
        }
        if (lacks_size(target)) {
            bad(i, param + ParamField::type, "of " + type_text(target) + ", " + unusable_text(target));
        }
    }
    params_[types_.row(type_id)] = params;
}

bool Resolver::resolve_and_lacks_size(uint32_t type_id) {
    if (types_.unknown(type_id)) {
        return false;
    }
    if (!is_valid(type_id)) {
        return true;
    }
    if (!kind_is_known(type_id)) {
        return false;
    }
    if (has_trait(types_.kind(type_id), KindTrait::needs_resolving) && !is_resolved(type_id)) {
        resolve(type_id);
    }
    return visit(type_id) != Visit::failed && !with_size(type_id);
}

std::string Resolver::unusable_text(uint32_t type_id) const {
    return types_.exists(type_id) ? "which has no size" : "which does not exist";
}

void Resolver::check_parameter_names(uint32_t type_id, uint32_t proto) {
    if (params_[types_.row(proto)] == Params::named) {
        return;
    }
    const uint32_t count = types_.elements<Kind::FuncProto>(proto);
    const std::byte* param = types_.record(proto) + kHeadSize;
    for (uint32_t i = 0; i != count; ++i, param += kParamSize) {
        if (types_.load(param + ParamField::name_off) == 0 && types_.load(param + ParamField::type) != 0) {
            fault_in_type(Rule::argument, type_id, HeadField::size_or_type,
                          "has " + type_text(proto) + ", whose parameter " + number(i) + " has no name");
        }
    }
}

}  // namespace btfmmap::kernel_rules
