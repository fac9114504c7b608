#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace btfmmap::kernel_rules {

// The rules by which Linux takes or refuses BTF.
enum class Rule : std::uint8_t {
    blob_size,
    header_length,
    header_tail,
    magic,
    version,
    flags,
    no_data,
    sections,
    strings_last,
    strings,
    types_alignment,
    no_types,
    record_end,
    info,
    kind,
    name_offset,
    vlen,
    kind_flag,
    name,
    tag_value,
    unused_field,
    type_id,
    int_data,
    int_bits,
    int_encoding,
    float_size,
    enum_size,
    func_linkage,
    var_linkage,
    member_offset,
    member_start,
    member_type,
    member_base_type,
    bitfield_size,
    member_alignment,
    member_bits,
    member_end,
    array_element,
    array_index,
    array_of_bits,
    array_size,
    section_size,
    entry_offset,
    entry_size,
    entry_end,
    entry_sum,
    entry_kind,
    component,
    return_type,
    argument,
    depth,
    loop,
    tag_order,
    modifier_chain,
    special_field,
    kernel_pointer,
    graph_root,
    object,
    count,  // not a rule
};

struct RuleInfo {
    Rule rule;
    const char* name;      // as in Diagnostic::rule
    const char* kinds;     // of the records that it concerns, as Python's Kind spells them; "" for the header
    const char* text;      // what must hold
    const char* function;  // in kernel/bpf/btf.c, or in libbpf
    const char* log;       // what the kernel's log says, alternatives separated by |; "" if it says nothing
};

constexpr std::size_t kRuleCount = static_cast<std::size_t>(Rule::count);

// In the order of Rule.
extern const std::array<RuleInfo, kRuleCount> kRules;

inline const RuleInfo& info_of(Rule rule) { return kRules[static_cast<std::size_t>(rule)]; }

// The version whose rules these are.
constexpr const char* kKernelVersion = "6.18";

}  // namespace btfmmap::kernel_rules
