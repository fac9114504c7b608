#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/kernel_rules/names.hpp"
#include "core/kernel_rules/reporter.hpp"
#include "core/kernel_rules/types.hpp"

namespace btfmmap::kernel_rules {

// Follows the references of a program's BTF as the kernel does in btf_check_all_types: depth first, with a
// stack of 32 levels, in one of three modes. What is found depends on the order of types, and so is followed
// exactly up to the first violation.
//
// After a violation, the type at fault counts as resolved, but nothing that depends on it is reported. Each
// type is visited once, so that the work is linear.
class Resolver {
public:
    // `pointer_size` is in bytes.
    Resolver(const Types& types, NameCheck& names, std::uint32_t pointer_size, Reporter& reporter);

    void check_all();

    // Whether a loop was found, or a chain that is too deep.
    bool found_endless() const { return found_endless_; }

private:
    enum class Mode : std::uint8_t { undecided, pointer, composite };
    enum class Visit : std::uint8_t {
        none,
        on_stack,
        resolved,
        failed,  // resolved, but nothing is known of it
    };

    // Whether the parameters of a prototype have names, as those of a FUNC must.
    enum class Params : std::uint8_t { unchecked, named, unnamed };

    struct Frame {
        std::uint32_t type_id;
        std::uint32_t next;  // index of the next member or entry; ArrayStep of an array
    };
    struct ArrayStep {
        static constexpr std::uint32_t index = 0, element = 1, element_after_fault = 2;
    };

    struct Member {
        std::uint32_t parent, number;
        const std::byte* at;  // its record
    };

    void resolve(std::uint32_t root);
    // Does the same for a pointer to a type that a pointer stops at, as most are, without the stack. Returns
    // false for another one.
    bool resolve_plain_pointer(std::uint32_t type_id);
    void resolve_func(std::uint32_t type_id);

    // One step of the type on top of the stack: pushes what it refers to, or pops it.
    void step();
    void step_modifier(std::uint32_t type_id);
    void step_pointer(std::uint32_t type_id);
    void step_var(std::uint32_t type_id);
    void step_array(Frame& frame);
    void step_composite(Frame& frame);
    void step_section(Frame& frame);
    void step_decl_tag(std::uint32_t type_id);

    // Resolves what the reference of the type on top of the stack leads to. Returns true if that is done;
    // otherwise it was pushed, or the type failed.
    bool follow(std::uint32_t type_id, std::uint32_t target);
    void finish_reference(std::uint32_t type_id, std::uint32_t target);

    // Returns false, and fails the type on top of the stack, if the stack is full or the type is on it.
    bool push(std::uint32_t type_id);
    void pop(std::uint32_t resolved);
    void pop_failed();

    // What a reference of the type on top of the stack leads to.
    enum class Next : std::uint8_t {
        ready,   // nothing is to be resolved first
        waits,   // it was pushed
        failed,  // nothing is known of it
    };
    Next next(std::uint32_t type_id) {
        if (types_.exists(type_id)) {
            const Kind kind = types_.kind(type_id);
            if (has_trait(kind, KindTrait::known) && (is_sink(kind) || visit(type_id) == Visit::resolved)) {
                return Next::ready;
            }
        }
        return resolve_next(type_id);
    }
    Next resolve_next(std::uint32_t type_id);
    // If `type_id` is a modifier that leads to a pointer, which may not be resolved yet, resolves that.
    Next next_pointer(std::uint32_t type_id);
    Next next_part(Rule rule, std::uint32_t type_id, std::size_t at, const char* what);
    // Fails the type on top of the stack if `next` failed. Returns whether it is ready.
    bool advance(Next next);

    // Whether references end at a type, in the present mode: env_type_is_resolve_sink.
    bool is_sink(Kind kind) const {
        constexpr std::uint8_t followed[] = {KindTrait::needs_resolving,
                                             KindTrait::modifier | KindTrait::pointer,
                                             KindTrait::modifier | KindTrait::aggregate};
        return !has_trait(kind, followed[static_cast<std::size_t>(mode_)]);
    }
    Visit visit(std::uint32_t type_id) const { return visits_[types_.row(type_id)]; }
    bool is_resolved(std::uint32_t type_id) const {
        return visit(type_id) == Visit::resolved || visit(type_id) == Visit::failed;
    }
    // Whether the kernel knows the kind of a type that exists. Other kinds are reported with their records.
    bool kind_is_known(std::uint32_t type_id) const {
        return has_trait(types_.kind(type_id), KindTrait::known);
    }
    // Whether a type exists, or may exist, and is of a kind that others may refer to.
    bool is_valid(std::uint32_t type_id) const {
        return types_.exists(type_id) ? !has_trait(types_.kind(type_id), KindTrait::source_only)
                                      : types_.unknown(type_id);
    }
    std::string invalid_text(std::uint32_t target) const;

    // Returns the type below typedefs and qualifiers, or of a variable; none if it has no size.
    std::optional<std::uint32_t> with_size(std::uint32_t type_id) const {
        Kind kind = types_.kind(type_id);
        if (has_trait(kind, KindTrait::modifier) || kind == Kind::Var) {
            type_id = resolved_id(type_id);
            kind = types_.kind(type_id);
        }
        return has_trait(kind, KindTrait::sized) ? std::optional(type_id) : std::nullopt;
    }
    // Returns the size in bytes of a type that with_size() returned.
    std::uint32_t size(std::uint32_t type_id) const;
    std::uint32_t resolved_id(std::uint32_t type_id) const { return resolved_[types_.row(type_id)]; }

    // member_checks.cpp
    void check_member(const Member& member);
    void check_int_member(const Member& member, std::uint32_t int_word);
    void check_int_bitfield(const Member& member, std::uint32_t int_word);
    void check_enum_bitfield(const Member& member);
    void check_copied_bits(const Member& member, std::uint32_t start, std::uint32_t bits);
    void check_whole_member(const Member& member, std::uint32_t type_id);
    void member_fault(Rule rule, const Member& member, const std::string& what);

    // prototypes.cpp
    void check_prototype(std::uint32_t type_id);
    // Resolves the type of a return value or parameter. Returns true if it may not be used as such.
    bool lacks_size(std::uint32_t type_id) {
        const bool usable = types_.exists(type_id) && visit(type_id) == Visit::resolved &&
                            is_valid(type_id) && with_size(type_id).has_value();
        return !usable && resolve_and_lacks_size(type_id);
    }
    bool resolve_and_lacks_size(std::uint32_t type_id);
    std::string unusable_text(std::uint32_t type_id) const;
    void check_parameter_names(std::uint32_t type_id, std::uint32_t proto);

    void fault(Rule rule, std::uint32_t type_id, const std::byte* word, const std::string& what);
    void fault_in_type(Rule rule, std::uint32_t type_id, std::size_t at, const std::string& what);

    const Types& types_;
    NameCheck& names_;
    std::uint32_t pointer_size_;
    Reporter& reporter_;
    std::vector<Visit> visits_;  // by row
    // By row: the size of an array; the type that another type ends at.
    std::vector<std::uint32_t> resolved_;
    std::vector<Params> params_;  // by row: of prototypes
    Frame stack_[kMaxDepth];
    std::size_t depth_ = 0;
    std::uint32_t root_ = 0;
    Mode mode_ = Mode::undecided;
    bool found_endless_ = false;
};

}  // namespace btfmmap::kernel_rules
