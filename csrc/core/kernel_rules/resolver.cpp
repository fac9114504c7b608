#include "core/kernel_rules/resolver.hpp"

#include <string>

#include "core/format/kind_text.hpp"

namespace btfmmap::kernel_rules {

using std::uint32_t;

namespace {

// Whether a reference where void is not allowed was reported when its record was checked.
bool is_reported(uint32_t type_id) { return type_id == 0 || type_id > kMaxTypeId; }

std::string reference_text(uint32_t type_id) { return "refers to " + type_text(type_id); }

}  // namespace

Resolver::Resolver(const Types& types, NameCheck& names, uint32_t pointer_size, Reporter& reporter)
    : types_(types),
      names_(names),
      pointer_size_(pointer_size),
      reporter_(reporter),
      visits_(types.end_id(), Visit::none),
      resolved_(types.end_id()),
      params_(types.end_id(), Params::unchecked) {}

void Resolver::check_all() {
    for (uint32_t type_id = types_.first_record_id(); type_id < types_.end_id(); ++type_id) {
        const Kind kind = types_.kind(type_id);
        if (has_trait(kind, KindTrait::needs_resolving) && !is_resolved(type_id)) {
            resolve(type_id);
        }
        if (kind == Kind::FuncProto) {
            check_prototype(type_id);
        }
    }
}

void Resolver::resolve(uint32_t root) {
    const Kind kind = types_.kind(root);
    if (kind == Kind::Func) {
        return resolve_func(root);
    }
    if (kind == Kind::Ptr && resolve_plain_pointer(root)) {
        return;
    }
    root_ = root;
    mode_ = Mode::undecided;
    push(root);
    while (depth_ != 0) {
        step();
    }
}

bool Resolver::resolve_plain_pointer(uint32_t type_id) {
    const uint32_t target = types_.size_or_type(type_id);
    if (!types_.exists(target)) {
        return false;
    }
    const Kind kind = types_.kind(target);
    if (kind == Kind::Ptr || kind == Kind::Func || !has_trait(kind, KindTrait::known) ||
        has_trait(kind, KindTrait::modifier | KindTrait::source_only)) {
        return false;
    }
    visits_[types_.row(type_id)] = Visit::resolved;
    resolved_[types_.row(type_id)] = target;
    return true;
}

void Resolver::step() {
    Frame& frame = stack_[depth_ - 1];
    switch (types_.kind(frame.type_id)) {
        case Kind::Ptr:
            return step_pointer(frame.type_id);
        case Kind::Array:
            return step_array(frame);
        case Kind::Struct:
        case Kind::Union:
            return step_composite(frame);
        case Kind::Var:
            return step_var(frame.type_id);
        case Kind::Datasec:
            return step_section(frame);
        case Kind::DeclTag:
            return step_decl_tag(frame.type_id);
        default:
            return step_modifier(frame.type_id);
    }
}

// -- the stack

bool Resolver::push(uint32_t type_id) {
    if (depth_ == kMaxDepth) {
        found_endless_ = true;
        fault_in_type(Rule::depth, root_, HeadField::size_or_type,
                      "leads to " + type_text(type_id) + " through " + number(kMaxDepth) +
                          " types that come later or are not yet resolved, the most possible");
        return false;
    }
    if (visit(type_id) != Visit::none) {
        found_endless_ = true;
        fault_in_type(Rule::loop, root_, HeadField::size_or_type,
                      (type_id == root_ ? "leads back to itself"
                                        : "leads to " + type_text(type_id) + ", which leads back to itself") +
                          std::string(" by ") + type_text(stack_[depth_ - 1].type_id));
        return false;
    }
    const Kind kind = types_.kind(type_id);
    visits_[types_.row(type_id)] = Visit::on_stack;
    stack_[depth_++] = {type_id, 0};
    if (mode_ == Mode::undecided) {
        if (kind == Kind::Ptr) {
            mode_ = Mode::pointer;
        } else if (kind == Kind::Array || is_composite(kind)) {
            mode_ = Mode::composite;
        }
    }
    return true;
}

void Resolver::pop(uint32_t resolved) {
    const uint32_t row = types_.row(stack_[--depth_].type_id);
    visits_[row] = Visit::resolved;
    resolved_[row] = resolved;
}

void Resolver::pop_failed() { visits_[types_.row(stack_[--depth_].type_id)] = Visit::failed; }

// -- references

Resolver::Next Resolver::resolve_next(uint32_t type_id) {
    if (types_.unknown(type_id) || !kind_is_known(type_id)) {
        return Next::failed;
    }
    if (types_.kind(type_id) == Kind::Func && visit(type_id) == Visit::none && depth_ != kMaxDepth) {
        resolve_func(type_id);
        return visit(type_id) == Visit::resolved ? Next::ready : Next::failed;
    }
    return visit(type_id) != Visit::failed && push(type_id) ? Next::waits : Next::failed;
}

Resolver::Next Resolver::next_pointer(uint32_t type_id) {
    if (!has_trait(types_.kind(type_id), KindTrait::modifier)) {
        return Next::ready;
    }
    const uint32_t pointer = resolved_id(type_id);
    return types_.kind(pointer) == Kind::Ptr ? next(pointer) : Next::ready;
}

uint32_t Resolver::size(uint32_t type_id) const {
    switch (types_.kind(type_id)) {
        case Kind::Array:
            return resolved_[types_.row(type_id)];
        case Kind::Ptr:
            return pointer_size_;
        default:
            return types_.size_or_type(type_id);
    }
}

// -- one type

void Resolver::step_modifier(uint32_t type_id) {
    const uint32_t target = types_.size_or_type(type_id);
    if (follow(type_id, target)) {
        finish_reference(type_id, target);
    }
}

void Resolver::step_pointer(uint32_t type_id) {
    const uint32_t target = types_.size_or_type(type_id);
    // A typedef may end at a pointer that was not followed yet.
    if (follow(type_id, target) && advance(next_pointer(target))) {
        finish_reference(type_id, target);
    }
}

bool Resolver::follow(uint32_t type_id, uint32_t target) {
    if (!is_valid(target)) {
        if (target <= kMaxTypeId) {
            fault_in_type(Rule::type_id, type_id, HeadField::size_or_type, invalid_text(target));
        }
        pop_failed();
        return false;
    }
    return advance(next(target));
}

bool Resolver::advance(Next next) {
    if (next == Next::failed) {
        pop_failed();
    }
    return next == Next::ready;
}

// Takes a type without a size too, if it is void, a FWD or a function's type.
void Resolver::finish_reference(uint32_t type_id, uint32_t target) {
    if (const auto found = with_size(target)) {
        return pop(*found);
    }
    const uint32_t end = is_resolved(target) ? resolved_id(target) : target;
    const Kind kind = types_.kind(end);
    if (kind == Kind::Void || kind == Kind::Fwd || kind == Kind::FuncProto) {
        return pop(end);
    }
    fault_in_type(Rule::type_id, type_id, HeadField::size_or_type, invalid_text(target));
    pop_failed();
}

std::string Resolver::invalid_text(uint32_t target) const {
    if (!types_.exists(target)) {
        return reference_text(target) + ", which does not exist";
    }
    return reference_text(target) + ", a " + kind_name(types_.kind(target)) + ", which may not stand here";
}

void Resolver::step_var(uint32_t type_id) {
    const uint32_t target = types_.size_or_type(type_id);
    if (is_reported(target)) {
        return pop_failed();
    }
    if (!follow(type_id, target) || !advance(next_pointer(target))) {
        return;
    }
    if (const auto found = with_size(target)) {
        return pop(*found);
    }
    fault_in_type(Rule::type_id, type_id, HeadField::size_or_type,
                  "is of " + type_text(target) + ", which has no size");
    pop_failed();
}

void Resolver::step_array(Frame& frame) {
    const uint32_t type_id = frame.type_id;
    constexpr std::size_t index_at = kHeadSize + ArrayField::index_type,
                          element_at = kHeadSize + ArrayField::type;
    if (frame.next == ArrayStep::index) {
        const uint32_t index = types_.word(type_id, index_at);
        const Next next = next_part(Rule::array_index, type_id, index_at, "index");
        if (next == Next::waits) {
            return;
        }
        bool good = next == Next::ready;
        if (good) {
            const auto found = with_size(index);
            good =
                found && types_.kind(*found) == Kind::Int && is_regular_int(types_.word(*found, kHeadSize));
            if (!good) {
                fault_in_type(Rule::array_index, type_id, index_at,
                              "has the index " + type_text(index) +
                                  ", which is not an INT of 8, 16, 32, 64 or 128 bits");
            }
        }
        frame.next = good ? ArrayStep::element : ArrayStep::element_after_fault;
    }
    const uint32_t element = types_.word(type_id, element_at);
    const Next next = next_part(Rule::array_element, type_id, element_at, "element");
    if (next == Next::waits) {
        return;
    }
    if (next == Next::failed) {
        return pop_failed();
    }
    const auto found = with_size(element);
    if (!found) {
        fault_in_type(Rule::array_element, type_id, element_at,
                      "has the element " + type_text(element) + ", which has no size");
        return pop_failed();
    }
    if (types_.kind(*found) == Kind::Int && !is_regular_int(types_.word(*found, kHeadSize))) {
        fault_in_type(
            Rule::array_of_bits, type_id, element_at,
            "has elements of the INT " + type_text(*found) + ", whose bits are not those of a whole C type");
        return pop_failed();
    }
    const uint32_t count = types_.word(type_id, kHeadSize + ArrayField::nelems), bytes = size(*found);
    if (count != 0 && bytes > UINT32_MAX / count) {
        fault_in_type(
            Rule::array_size, type_id, kHeadSize + ArrayField::nelems,
            "has " + number(count) + " elements of " + number(bytes) + " bytes, 4 GiB or more in all");
        return pop_failed();
    }
    if (frame.next == ArrayStep::element_after_fault) {
        return pop_failed();
    }
    pop(bytes * count);
}

// The index or the elements of an array, which may not be void or of a type without a size.
Resolver::Next Resolver::next_part(Rule rule, uint32_t type_id, std::size_t at, const char* what) {
    const uint32_t part = types_.word(type_id, at);
    if (is_reported(part)) {
        return Next::failed;
    }
    if (!is_valid(part) || (types_.exists(part) && has_trait(types_.kind(part), KindTrait::has_no_size))) {
        fault_in_type(rule, type_id, at,
                      std::string("has the ") + what + " " + type_text(part) +
                          (types_.exists(part) ? ", a " + kind_name(types_.kind(part)) + ", which has no size"
                                               : ", which does not exist"));
        return Next::failed;
    }
    return next(part);
}

void Resolver::step_composite(Frame& frame) {
    const uint32_t type_id = frame.type_id;
    const uint32_t count = types_.elements<Kind::Struct>(type_id);
    const std::byte* member = types_.record(type_id) + kHeadSize;
    constexpr std::size_t step = shape_of(Kind::Struct).element;
    uint32_t i = frame.next;
    if (i != 0 && visit(types_.load(member + (i - 1) * step + MemberField::type)) == Visit::resolved) {
        check_member({type_id, i - 1, member + (i - 1) * step});
    }
    for (; i < count; ++i) {
        const std::byte* at = member + std::size_t{i} * step;
        const uint32_t target = types_.load(at + MemberField::type);
        if (is_reported(target)) {
            continue;
        }
        if (!is_valid(target) ||
            (types_.exists(target) && has_trait(types_.kind(target), KindTrait::has_no_size))) {
            fault(Rule::member_type, type_id, at + MemberField::type,
                  "has a member " + number(i) + " of " + type_text(target) +
                      (types_.exists(target) ? ", which has no size" : ", which does not exist"));
            continue;
        }
        switch (next(target)) {
            case Next::waits:
                frame.next = i + 1;
                return;
            case Next::failed:
                continue;
            case Next::ready:
                check_member({type_id, i, at});
        }
    }
    pop(0);
}

void Resolver::step_section(Frame& frame) {
    const uint32_t type_id = frame.type_id;
    const uint32_t count = types_.elements<Kind::Datasec>(type_id);
    const std::byte* entry = types_.record(type_id) + kHeadSize;
    mode_ = Mode::undecided;
    // An entry whose variable is resolved here is not compared with its type's size, in the kernel either.
    for (uint32_t i = frame.next; i < count; ++i) {
        const std::byte* at = entry + std::size_t{i} * shape_of(Kind::Datasec).element;
        const uint32_t var = types_.load(at + SecinfoField::type);
        if (is_reported(var) || types_.unknown(var)) {
            continue;
        }
        if (!types_.exists(var) || types_.kind(var) != Kind::Var) {
            fault(Rule::entry_kind, type_id, at + SecinfoField::type,
                  "has an entry " + number(i) + " of " + type_text(var) +
                      (types_.exists(var) ? ", a " + kind_name(types_.kind(var)) + ", must be a VAR"
                                          : ", which does not exist"));
            continue;
        }
        switch (next(var)) {
            case Next::waits:
                frame.next = i + 1;
                return;
            case Next::failed:
                continue;
            case Next::ready:
                break;
        }
        const auto found = with_size(types_.size_or_type(var));
        const uint32_t bytes = types_.load(at + SecinfoField::size);
        if (found && bytes != 0 && bytes < size(*found)) {
            fault(Rule::entry_size, type_id, at + SecinfoField::size,
                  "has an entry " + number(i) + " of " + number(bytes) + " bytes, but its " + type_text(var) +
                      " has " + number(size(*found)));
        }
    }
    pop(0);
}

void Resolver::step_decl_tag(uint32_t type_id) {
    const uint32_t target = types_.size_or_type(type_id);
    const Kind kind = types_.exists(target) ? types_.kind(target) : Kind::Void;
    if (!types_.unknown(target) && kind != Kind::Func && kind != Kind::Var && kind != Kind::Typedef &&
        !is_composite(kind)) {
        fault_in_type(Rule::type_id, type_id, HeadField::size_or_type, invalid_text(target));
        return pop_failed();
    }
    if (!advance(next(target))) {
        return;
    }
    const auto component = static_cast<std::int32_t>(types_.word(type_id, kHeadSize));
    if (component >= 0) {
        const bool has_none = kind == Kind::Var || kind == Kind::Typedef;
        const uint32_t parts = kind == Kind::Func ? types_.size_or_type(target) : target;
        const uint32_t count = has_none ? 0 : vlen_of(types_.info(parts));
        if (static_cast<uint32_t>(component) >= count) {
            fault_in_type(Rule::component, type_id, kHeadSize,
                          "has the component " + std::to_string(component) + " of " + type_text(target) +
                              ", which has " + number(count));
            return pop_failed();
        }
    }
    pop(target);
}

// Needs nothing that must be resolved first.
void Resolver::resolve_func(uint32_t type_id) {
    const uint32_t proto = types_.size_or_type(type_id);
    Visit& visit = visits_[types_.row(type_id)];
    visit = Visit::failed;
    if (types_.unknown(proto)) {
        return;
    }
    if (!types_.exists(proto) || types_.kind(proto) != Kind::FuncProto) {
        return fault_in_type(Rule::type_id, type_id, HeadField::size_or_type,
                             reference_text(proto) + (types_.exists(proto) ? ", which is not a FUNC_PROTO"
                                                                           : ", which does not exist"));
    }
    visit = Visit::resolved;
    resolved_[types_.row(type_id)] = proto;
    check_parameter_names(type_id, proto);
}

// -- reports

void Resolver::fault(Rule rule, uint32_t type_id, const std::byte* word, const std::string& what) {
    reporter_.type(rule, type_id, types_.offset(word), what);
}

void Resolver::fault_in_type(Rule rule, uint32_t type_id, std::size_t at, const std::string& what) {
    fault(rule, type_id, types_.record(type_id) + at, what);
}

}  // namespace btfmmap::kernel_rules
