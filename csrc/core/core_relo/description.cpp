#include "core/core_relo/description.hpp"

#include "core/btf/record.hpp"
#include "core/core_relo/essential_name.hpp"
#include "core/core_relo/types.hpp"
#include "core/format/kind_text.hpp"

namespace btfmmap::core_relo {

namespace {

using std::uint32_t;
using std::uint64_t;

constexpr std::size_t kMaxShown = 128;  // bytes of a name

std::string quoted(std::string_view name) {
    return "'" + std::string(name.substr(0, kMaxShown)) + (name.size() > kMaxShown ? "...'" : "'");
}

// Returns the text of a type: "STRUCT 'task_struct' [314]".
std::string type_text(const Btf& btf, uint32_t id) {
    if (id >= btf.index().end_id()) {
        return "type [" + std::to_string(id) + "]";
    }
    const TypeRecord record(btf, id);
    const std::string_view name = name_at(btf.strings(), record.index->name_off(record.row));
    return kind_name(record.kind()) + (name.empty() ? "" : " " + quoted(name)) + " [" + std::to_string(id) +
           "]";
}

std::string number_text(uint64_t number) {
    return static_cast<std::int64_t>(number) < 0 ? std::to_string(static_cast<std::int64_t>(number))
                                                 : std::to_string(number);
}

class Description {
public:
    Description(const Object& object, const Target& target, uint32_t number, const Outcome& outcome)
        : relocation_(object.relocations()[number]),
          local_(object.btf()),
          object_(object),
          target_(target.btf(outcome.source)),
          outcome_(outcome),
          failure_(outcome.failure) {}

    std::string text() const {
        switch (failure_.reason) {
            case Reason::none:
                return "";
            case Reason::unknown_kind:
                return "relocations of kind " + std::to_string(static_cast<uint32_t>(relocation_.kind)) +
                       " are not known";
            case Reason::access_syntax:
                return "the access string is not a list of numbers separated by colons";
            case Reason::access_too_long:
                return is_enum_value(relocation_.kind)
                           ? "the access string of an enumerator is not one number"
                           : "the access string has more than 64 numbers, or is longer than 1,024 bytes";
            case Reason::access_not_zero:
                return "the access string of a type is not \"0\"";
            case Reason::not_an_enum:
                return "the root is " + local_type() + ", not an enum";
            case Reason::no_such_enumerator:
                return local_type() + " has no enumerator " + number_text(failure_.number);
            case Reason::no_such_member:
                return local_type() + " has no member " + number_text(failure_.number);
            case Reason::no_such_element:
                return local_type() + " has no element " + number_text(failure_.number);
            case Reason::not_composite:
                return "the access string goes into " + local_type() +
                       ", which has neither members nor elements";
            case Reason::nameless_member:
                return "member " + number_text(failure_.number) + " of " + local_type() +
                       " has an empty name";
            case Reason::name_too_long:
                return local_type() + " has a name of more than 4,096 bytes";
            case Reason::nameless_root:
                return local_type() + " has no name, by which it would be found in the kernel";
            case Reason::chain_too_long:
                return "type [" + std::to_string(failure_.at) +
                       "] is a cycle, or a chain of more than 256 typedefs, qualifiers or arrays";
            case Reason::no_size:
                return side_type() + " has no size";
            case Reason::size_too_large:
                return side_type() + " has more than 4 GiB";
            case Reason::array_element:
                return "this kind of relocation does not apply to an element of an array";
            case Reason::bitfield_too_wide:
                return "no load of at most 8 bytes reads the bitfield, member " +
                       number_text(failure_.number) + " of " + side_type();
            case Reason::bitfield_of_no_size:
                return "the bitfield, member " + number_text(failure_.number) + " of " + side_type() +
                       ", is of a type of 0 bytes";
            default:
                return target_text();
        }
    }

private:
    std::string target_text() const {
        switch (failure_.reason) {
            case Reason::no_candidate:
                return "the kernel has no " + kind_name(group().kind) + " " + quoted(group().essential);
            case Reason::too_many_candidates:
                return "the kernel has " + number_text(failure_.number) + " types named " +
                       quoted(group().essential);
            case Reason::member_missing:
                return target_type() + " of the kernel has no member " + quoted(step().name);
            case Reason::member_incompatible:
                return "member " + quoted(step().name) + " of " + target_type() + " of the kernel is " +
                       member_type(target_, failure_.at, static_cast<uint32_t>(failure_.number)) + ", but " +
                       type_text(local_, resolve(local_, step().member_type).value_or(0)) + " in the object";
            case Reason::not_an_array:
                return target_type() + " of the kernel is not an array";
            case Reason::element_missing:
                return "the array [" + std::to_string(failure_.at) + "] of the kernel has " +
                       number_text(failure_.number) + " elements, and not element " +
                       std::to_string(step().index);
            case Reason::types_differ:
                return target_type() + " of the kernel differs from " + type_text(local_, relocation_.root);
            case Reason::enumerator_missing:
                return target_type() + " of the kernel has no enumerator " + quoted(step().name);
            case Reason::nesting_too_deep:
                return target_type() + " of the kernel is nested too deeply";
            case Reason::too_much_work:
                return "the types take too long to compare, at " + target_type() + " of the kernel";
            case Reason::offsets_differ:
                return "the kernel has several types: in one the bit offset is " +
                       std::to_string(outcome_.bit_offset) + ", but " + number_text(failure_.number) +
                       " in " + target_type();
            case Reason::values_differ:
                return "the kernel has several types: the value differs, it is " +
                       number_text(failure_.number) + " in " + target_type();
            default:
                return instruction_text();
        }
    }

    std::string instruction_text() const {
        const std::string value = number_text(failure_.number);
        switch (failure_.reason) {
            case Reason::no_section:
                return "there is no section with the instruction";
            case Reason::no_instruction:
                return "the instruction is past the end of its section of " + value + " bytes";
            case Reason::misaligned:
                return "the offset of the instruction is not a multiple of 8";
            case Reason::unknown_instruction:
                return "an instruction of opcode " + value + " cannot be relocated";
            case Reason::not_an_immediate:
                return "an arithmetic instruction without an immediate (opcode " + value +
                       ") cannot be relocated";
            case Reason::ldimm64_form:
                return "a load of opcode " + value + " is not a plain assignment of 64 bits";
            case Reason::unexpected_value:
                return "the instruction holds " + value + ", but the object's types say " +
                       number_text(relocation_.local.value);
            case Reason::value_too_large:
                return "the offset " + value + " does not fit a load or store, at most 32,767 does";
            case Reason::unsafe_access_size:
                return "the field has " + std::to_string(relocation_.local.size) +
                       " bytes in the object and " + std::to_string(outcome_.size) +
                       " in the kernel, and is neither a pointer nor an unsigned integer in both";
            case Reason::unexpected_access_size:
                return "the instruction accesses " + value + " bytes, but the field has " +
                       std::to_string(relocation_.local.size);
            default:  // unsupported_access_size
                return "no instruction accesses " + value + " bytes, the size of the field in the kernel";
        }
    }

    const Group& group() const { return object_.groups()[relocation_.group]; }
    const Accessor& step() const { return relocation_.path.accessors[outcome_.step]; }
    std::string local_type() const { return type_text(local_, failure_.at); }
    std::string target_type() const { return type_text(target_, failure_.at); }

    // Returns the type of a failure that concerns either side: it is the target's unless the object has it.
    std::string side_type() const {
        const bool own = relocation_.failure || relocation_.local.failure;
        return own ? local_type() + " of the object" : target_type() + " of the kernel";
    }

    static std::string member_type(const Btf& btf, uint32_t id, uint32_t number) {
        const uint32_t type = member_of(TypeRecord(btf, id), number).type;
        return type_text(btf, resolve(btf, type).value_or(0));
    }

    const Relocation& relocation_;
    const Btf& local_;
    const Object& object_;
    const Btf& target_;
    const Outcome& outcome_;
    const Failure& failure_;
};

}  // namespace

std::string describe(const Object& object, const Target& target, std::uint32_t relocation,
                     const Outcome& outcome) {
    return Description(object, target, relocation, outcome).text();
}

}  // namespace btfmmap::core_relo
