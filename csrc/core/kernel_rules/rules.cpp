#include "core/kernel_rules/rules.hpp"

namespace btfmmap::kernel_rules {

// docs/lint.md is made from this table by docs/make_lint.py.
constexpr std::array<RuleInfo, kRuleCount> kRules = {{
    {Rule::blob_size, "blob-size", "", "a program's BTF has at most 16 MiB", "btf_parse", ""},
    {Rule::header_length, "header-length", "",
     "the header's length field exists, and the header is inside the data", "btf_parse_hdr",
     "hdr_len not found|btf_header not found"},
    {Rule::header_tail, "header-tail", "", "bytes of the header after the known 24 are zero", "btf_parse_hdr",
     "Unsupported btf_header"},
    {Rule::magic, "magic", "", "the data starts with the magic number 0xeb9f", "btf_parse_hdr",
     "Invalid magic"},
    {Rule::version, "version", "", "the version is 1", "btf_parse_hdr", "Unsupported version"},
    {Rule::flags, "flags", "", "the header's flags are 0", "btf_parse_hdr", "Unsupported flags"},
    {Rule::no_data, "no-data", "", "data follows the header, except in split BTF", "btf_parse_hdr",
     "No data"},
    {Rule::sections, "sections", "", "the sections fill the data after the header without gaps or overlaps",
     "btf_check_sec_info",
     "Invalid section offset|Unsupported section found|Section overlap found|Total section length too long"},
    {Rule::strings_last, "strings-last", "", "the string section is at the end of the data",
     "btf_parse_str_sec", "String section is not at the end"},
    {Rule::strings, "strings", "",
     "the string section has 1 byte to 16 MiB and ends with a NUL byte; that of standalone BTF starts with "
     "one, that of split BTF may be empty",
     "btf_parse_str_sec", "Invalid string section"},
    {Rule::types_alignment, "types-alignment", "",
     "the type section is at a multiple of 4 bytes after the header", "btf_parse_type_sec",
     "Unaligned type_off"},
    {Rule::no_types, "no-types", "", "standalone BTF has types", "btf_parse_type_sec", "No type found"},
    {Rule::record_end, "record-end", "*", "records end inside the type section", "btf_check_meta",
     "meta_left:"},
    {Rule::info, "info", "*",
     "the bits 16 to 23, 29 and 30 of the info word are 0, so a record has at most 65,535 elements",
     "btf_check_meta", "Invalid btf_info:"},
    {Rule::kind, "kind", "*", "the kind is 1 to 19", "btf_check_meta", "Invalid kind:"},
    {Rule::name_offset, "name-offset", "*", "name offsets are inside the string section and below 16 MiB",
     "btf_check_meta", "Invalid name_offset:|Invalid member name_offset:"},
    {Rule::vlen, "vlen", "INT PTR ARRAY FWD TYPEDEF VOLATILE CONST RESTRICT VAR FLOAT DECL_TAG TYPE_TAG",
     "kinds without elements have a vlen of 0", "btf_ref_type_check_meta", "vlen != 0"},
    {Rule::kind_flag, "kind-flag",
     "INT PTR ARRAY TYPEDEF VOLATILE CONST RESTRICT FUNC FUNC_PROTO VAR DATASEC FLOAT",
     "kinds that do not use the kind flag do not have it", "btf_ref_type_check_meta",
     "Invalid btf_info kind_flag"},
    {Rule::name, "name",
     "PTR ARRAY STRUCT UNION ENUM FWD TYPEDEF VOLATILE CONST RESTRICT FUNC FUNC_PROTO VAR DATASEC TYPE_TAG "
     "ENUM64",
     "FWD, TYPEDEF, FUNC, VAR, DATASEC, TYPE_TAG and enumerators have names; STRUCT, UNION, ENUM, ENUM64 "
     "and members may have one; other kinds have name offset 0. Names consist of letters, digits, _ and ., "
     "do not start with a digit and have at most 512 bytes; DATASEC names may have any printable character, "
     "and those of a TYPE_TAG any",
     "btf_name_valid_identifier", "Invalid name"},
    {Rule::tag_value, "tag-value", "DECL_TAG", "a declaration tag is not empty", "btf_decl_tag_check_meta",
     "Invalid value"},
    {Rule::unused_field, "unused-field", "ARRAY FWD",
     "the size or type field of kinds that do not use it is 0", "btf_fwd_check_meta", "type != 0|size != 0"},
    {Rule::type_id, "type-id",
     "PTR STRUCT UNION TYPEDEF VOLATILE CONST RESTRICT FUNC VAR DATASEC DECL_TAG TYPE_TAG",
     "types that are referred to exist, have an ID of at most 1,048,575 and are of a kind that may stand "
     "there: members, variables and section entries are not void; a pointer, typedef or qualifier does not "
     "refer to a VAR, DATASEC or DECL_TAG; a FUNC refers to a FUNC_PROTO; a DECL_TAG to a STRUCT, UNION, "
     "FUNC, VAR or TYPEDEF",
     "btf_modifier_resolve", "Invalid type_id"},
    {Rule::int_data, "int-data", "INT", "the highest 4 bits of the word after an INT are 0",
     "btf_int_check_meta", "Invalid int_data:"},
    {Rule::int_bits, "int-bits", "INT",
     "an INT's bits and their offset are at most 128 and fit into its size", "btf_int_check_meta",
     "nr_bits exceeds 128|nr_bits exceeds type_size"},
    {Rule::int_encoding, "int-encoding", "INT", "an INT is at most one of signed, char and bool",
     "btf_int_check_meta", "Unsupported encoding"},
    {Rule::float_size, "float-size", "FLOAT", "a FLOAT has 2, 4, 8, 12 or 16 bytes", "btf_float_check_meta",
     "Invalid type_size"},
    {Rule::enum_size, "enum-size", "ENUM ENUM64", "an enum has 1, 2, 4 or 8 bytes", "btf_enum_check_meta",
     "Unexpected size"},
    {Rule::func_linkage, "func-linkage", "FUNC", "a function is static or global (0 or 1), not extern",
     "btf_func_check_meta", "Invalid func linkage"},
    {Rule::var_linkage, "var-linkage", "VAR", "a variable is static or global (0 or 1), not extern",
     "btf_var_check_meta", "Linkage not supported"},
    {Rule::member_offset, "member-offset", "STRUCT UNION",
     "members of a struct are in the order of their offsets; those of a union have offset 0",
     "btf_struct_check_meta", "Invalid member bits_offset"},
    {Rule::member_start, "member-start", "STRUCT UNION", "members begin inside the struct or at its end",
     "btf_struct_check_meta", "Member bits_offset exceeds its struct size"},
    {Rule::member_type, "member-type", "STRUCT UNION", "members are of types that exist and have a size",
     "btf_struct_resolve", "Invalid member"},
    {Rule::member_base_type, "member-base-type", "STRUCT UNION",
     "with the kind flag, a member's INT has 8, 16, 32, 64 or 128 bits at bit 0",
     "btf_int_check_kflag_member", "Invalid member base type"},
    {Rule::bitfield_size, "bitfield-size", "STRUCT UNION",
     "a bitfield is of an INT or enum, and has at most the INT's bits, or 32 bits of an enum",
     "btf_generic_check_kflag_member", "Invalid member bitfield_size"},
    {Rule::member_alignment, "member-alignment", "STRUCT UNION",
     "a member that is not a bitfield begins at a byte, and a FLOAT at a multiple of its size, or of a "
     "pointer's if that is less",
     "btf_struct_check_member",
     "Member is not byte aligned|Invalid member offset|Member is not properly aligned"},
    {Rule::member_bits, "member-bits", "STRUCT UNION",
     "a bitfield has at most 128 bits, counted from the byte that it begins in", "btf_int_check_member",
     "nr_copy_bits exceeds 128|bits_offset exceeds U32_MAX"},
    {Rule::member_end, "member-end", "STRUCT UNION", "members end inside the struct",
     "btf_struct_check_member", "Member exceeds struct_size"},
    {Rule::array_element, "array-element", "ARRAY", "the elements of an array exist and have a size",
     "btf_array_resolve", "Invalid elem"},
    {Rule::array_index, "array-index", "ARRAY",
     "the index type of an array is an INT of 8, 16, 32, 64 or 128 bits", "btf_array_resolve",
     "Invalid index"},
    {Rule::array_of_bits, "array-of-bits", "ARRAY", "an array's INT has 8, 16, 32, 64 or 128 bits at bit 0",
     "btf_array_resolve", "Invalid array of int"},
    {Rule::array_size, "array-size", "ARRAY", "an array has less than 4 GiB", "btf_array_resolve",
     "Array size overflows U32_MAX"},
    {Rule::section_size, "section-size", "DATASEC", "a section is not empty", "btf_datasec_check_meta",
     "size == 0"},
    {Rule::entry_offset, "entry-offset", "DATASEC",
     "entries begin inside the section, and not before the end of the entry before them",
     "btf_datasec_check_meta", "Invalid offset"},
    {Rule::entry_size, "entry-size", "DATASEC",
     "entries have a size, at least that of their type and at most that of the section",
     "btf_datasec_check_meta", "Invalid size"},
    {Rule::entry_end, "entry-end", "DATASEC", "entries end inside the section", "btf_datasec_check_meta",
     "Invalid offset+size"},
    {Rule::entry_sum, "entry-sum", "DATASEC",
     "the sizes of the entries are at most that of the section in sum", "btf_datasec_check_meta",
     "Invalid btf_info size"},
    {Rule::entry_kind, "entry-kind", "DATASEC", "the entries of a section are VARs", "btf_datasec_resolve",
     "Not a VAR kind member"},
    {Rule::component, "component", "DECL_TAG",
     "a declaration tag's component is -1, or the number of a member or parameter that exists",
     "btf_decl_tag_resolve", "Invalid component_idx"},
    {Rule::return_type, "return-type", "FUNC_PROTO", "a function returns void or a type that has a size",
     "btf_func_proto_check", "Invalid return type"},
    {Rule::argument, "argument", "FUNC_PROTO FUNC",
     "parameters are of types that have a size; only the last may be void, and has no name then; parameters "
     "of a FUNC have names",
     "btf_func_proto_check", "Invalid arg#"},
    {Rule::depth, "depth", "*", "types refer to types not yet seen through at most 32 levels",
     "env_stack_push", "Exceeded max resolving depth:"},
    {Rule::loop, "loop", "*",
     "types do not contain themselves, and pointers, typedefs and qualifiers do not lead back to themselves "
     "without a struct or function between",
     "env_stack_push", "Loop detected"},
    {Rule::tag_order, "tag-order", "TYPEDEF VOLATILE CONST RESTRICT TYPE_TAG",
     "type tags come before all typedefs and qualifiers in a chain of these", "btf_check_type_tags",
     "Type tags don't precede modifiers"},
    {Rule::modifier_chain, "modifier-chain", "TYPEDEF VOLATILE CONST RESTRICT TYPE_TAG",
     "at most 32 typedefs, qualifiers and type tags follow one another", "btf_check_type_tags",
     "Max chain length or cycle detected"},
    {Rule::special_field, "special-field", "STRUCT",
     "the kernel's own types (bpf_spin_lock, bpf_list_head, bpf_rb_root, ...) have their sizes, are "
     "aligned, are not repeated where only one may be, and are at most 11 in a struct; lists and trees have "
     "a lock",
     "btf_parse_fields", ""},
    {Rule::kernel_pointer, "kernel-pointer", "STRUCT",
     "a pointer with the type tag kptr, kptr_untrusted or percpu_kptr is to a struct and has no other type "
     "tag",
     "btf_find_kptr", ""},
    {Rule::graph_root, "graph-root", "STRUCT",
     "a bpf_list_head or bpf_rb_root has one tag contains:STRUCT:MEMBER, which names a node of its kind; "
     "owners do not own owners",
     "btf_find_graph_root", ""},
    {Rule::object, "object", "VAR FUNC DATASEC",
     "of a BPF object, libbpf finds the symbols and sections that it takes sizes and offsets from",
     "btf_fixup_datasec (libbpf)", ""},
}};

namespace {

constexpr bool are_in_order() {
    for (std::size_t number = 0; number != kRules.size(); ++number) {
        if (kRules[number].rule != static_cast<Rule>(number)) {
            return false;
        }
    }
    return true;
}

static_assert(are_in_order(), "kRules has an entry for each Rule, in their order");

}  // namespace

}  // namespace btfmmap::kernel_rules
