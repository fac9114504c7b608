#include "core/c_writer.hpp"

#include <algorithm>
#include <utility>

#include "core/error.hpp"

namespace btfmmap {

namespace {

using std::int64_t;
using std::uint32_t;

// Real kernels nest less than a hundred deep; each level takes some hundred bytes of stack.
constexpr unsigned kMostDepth = 400;
// Prototypes that take pointers to prototypes are written out where they are used, so a hostile file of a few
// thousand could ask for text without end.
constexpr std::uint64_t kStepsPerType = 2000;
constexpr std::size_t kLongestName = 255;  // of names that are changed
constexpr unsigned kMostTabs = 13;

bool is_struct_or_union(Kind kind) { return kind == Kind::Struct || kind == Kind::Union; }
bool is_modifier(Kind kind) {
    return kind == Kind::Volatile || kind == Kind::Const || kind == Kind::Restrict || kind == Kind::TypeTag;
}

int64_t rounded_up(int64_t number, int64_t unit) { return (number + unit - 1) / unit * unit; }

}  // namespace

// Counts a level of nesting for as long as it lives.
class CWriter::Depth {
public:
    Depth(CWriter& writer, uint32_t id) : writer_(writer) {
        writer_.step();
        if (++writer_.depth_ > kMostDepth) {
            --writer_.depth_;
            throw Error::not_supported("type [" + std::to_string(id) + "] lies more than " +
                                       std::to_string(kMostDepth) +
                                       " types deep, too deep to be written as C");
        }
    }
    ~Depth() { --writer_.depth_; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;

private:
    CWriter& writer_;
};

CWriter::CWriter(const Btf& btf, const Sizes& sizes, Output& output)
    : btf_(btf),
      sizes_(sizes),
      output_(output),
      pointer_size_(btf.pointer_size()),
      states_(btf.index().end_id()),
      steps_left_(kStepsPerType * (btf.index().end_id() + std::uint64_t{1000})) {
    states_[0].order = Order::done;
    states_[0].emitted = Emitted::yes;
    mark_referenced();
}

void CWriter::step() {
    if (steps_left_-- == 0) {
        steps_left_ = 0;
        throw Error::not_supported("the types, written as C, make more text than any kernel's");
    }
}

DumpRecord CWriter::record(uint32_t id) const { return {btf_, id}; }

uint32_t CWriter::name_off(uint32_t id) const {
    const Index& index = btf_.index().owner(id);
    return index.name_off(id - index.first_id());
}

// Ids are checked once more, since the bytes may have changed.
uint32_t CWriter::target(const DumpRecord& record) const {
    const uint32_t id =
        record.kind() == Kind::Array ? record.word(kHeadSize + ArrayField::type) : record.size_or_type();
    return id < btf_.index().end_id() ? id : 0;
}

uint32_t CWriter::element_type(const DumpRecord& record, uint32_t number, std::size_t field) const {
    const uint32_t id = record.load(record.element(number) + field);
    return id < btf_.index().end_id() ? id : 0;
}

// Whether anything refers to an enum without a name tells where it belongs: inside what does, or at the top,
// for its constants. A prototype's return type does not count, as in libbpf.
void CWriter::mark_referenced() {
    for (uint32_t id = 1; id != btf_.index().end_id(); ++id) {
        const DumpRecord from = record(id);
        const Kind kind = from.kind();
        const Shape& shape = shape_of(kind);
        if (!shape.known) {
            throw Error::not_supported("type [" + std::to_string(id) + "] is of the unknown kind " +
                                       std::to_string(static_cast<unsigned>(kind)) +
                                       ", which C has no word for");
        }
        if ((shape.head_refers && kind != Kind::FuncProto) || kind == Kind::Array) {
            states_[target(from)].referenced = true;
        }
        if (kind == Kind::Array) {
            const uint32_t index_type = from.word(kHeadSize + ArrayField::index_type);
            states_[index_type < states_.size() ? index_type : 0].referenced = true;
        }
        if (shape.element_type != Shape::kNone) {
            const uint32_t count = from.elements();
            for (uint32_t i = 0; i != count; ++i) {
                states_[element_type(from, i, static_cast<std::size_t>(shape.element_type))].referenced =
                    true;
            }
        }
    }
}

void CWriter::write(uint32_t id) {
    queue_.clear();
    order(id, false);
    for (std::size_t i = 0; i != queue_.size(); ++i) {
        emit(queue_[i], 0);
    }
}

void CWriter::declare(uint32_t id, std::string_view name) { declare_inside(id, name, 0); }

// -- what comes before what

// Queues what has to be defined for a type, in an order that C takes. Returns whether the type itself has to
// be known where it is used: a pointer to something with a name can make do with a forward declaration.
bool CWriter::order(uint32_t id, bool through_pointer) {
    const Depth deeper(*this, id);
    State& state = states_[id];
    if (state.order == Order::done) {
        return true;
    }
    const DumpRecord type = record(id);
    const Kind kind = type.kind();
    if (state.order == Order::open) {
        if (is_struct_or_union(kind) && through_pointer && has_name(id)) {
            return false;
        }
        throw Error::format("type [" + std::to_string(id) + "] holds itself, which C cannot say", {}, id);
    }
    switch (kind) {
        case Kind::Int:
        case Kind::Float:
            state.order = Order::done;
            return false;
        case Kind::Ptr: {
            const bool strong = order(target(type), true);
            state.order = Order::done;
            return strong;
        }
        case Kind::Array:
            return order(target(type), false);
        case Kind::Struct:
        case Kind::Union: {
            if (through_pointer && has_name(id)) {
                return false;
            }
            state.order = Order::open;
            const uint32_t count = type.elements();
            for (uint32_t i = 0; i != count; ++i) {
                order(element_type(type, i, MemberField::type), false);
            }
            if (has_name(id)) {
                queue_.push_back(id);
            }
            state.order = Order::done;
            return true;
        }
        case Kind::Enum:
        case Kind::Enum64:
        case Kind::Fwd:
            if (has_name(id) || !state.referenced) {
                queue_.push_back(id);
            }
            state.order = Order::done;
            return true;
        case Kind::Typedef:
            if (!order(target(type), through_pointer) && through_pointer) {
                return false;
            }
            queue_.push_back(id);
            state.order = Order::done;
            return true;
        case Kind::Volatile:
        case Kind::Const:
        case Kind::Restrict:
        case Kind::TypeTag:
            return order(target(type), through_pointer);
        case Kind::FuncProto: {
            bool strong = order(target(type), through_pointer);
            const uint32_t count = type.elements();
            for (uint32_t i = 0; i != count; ++i) {
                strong |= order(element_type(type, i, ParamField::type), through_pointer);
            }
            return strong;
        }
        default:
            state.order = Order::done;
            return false;
    }
}

// -- definitions and forward declarations

// Writes what a type needs before it is used inside `container`, or with 0 the type itself.
void CWriter::emit(uint32_t id, uint32_t container) {
    const Depth deeper(*this, id);
    State& state = states_[id];
    if (state.emitted == Emitted::yes) {
        return;
    }
    const DumpRecord type = record(id);
    const Kind kind = type.kind();
    if (state.emitted == Emitted::open) {
        if (!state.forward_declared) {
            emit_reference(id, container);
        }
        return;
    }
    switch (kind) {
        case Kind::Int:
            alias_missing(id);
            state.emitted = Emitted::yes;
            return;
        case Kind::Enum:
        case Kind::Enum64:
            if (container == 0) {
                define_enum(id, 0);
                text(";\n\n");
            }
            state.emitted = Emitted::yes;
            return;
        case Kind::Ptr:
        case Kind::Volatile:
        case Kind::Const:
        case Kind::Restrict:
        case Kind::TypeTag:
        case Kind::Array:
            return emit(target(type), container);
        case Kind::Fwd:
            define_forward(id);
            text(";\n\n");
            state.emitted = Emitted::yes;
            return;
        case Kind::Typedef:
            state.emitted = Emitted::open;
            emit(target(type), id);
            if (!state.forward_declared && !is_builtin(id)) {
                define_typedef(id);
                text(";\n\n");
            }
            state.emitted = Emitted::yes;
            return;
        case Kind::Struct:
        case Kind::Union:
            return emit_struct(id, container);
        case Kind::FuncProto: {
            emit(target(type), container);
            const uint32_t count = type.elements();
            for (uint32_t i = 0; i != count; ++i) {
                emit(element_type(type, i, ParamField::type), container);
            }
            return;
        }
        default:
            return;
    }
}

// A forward declaration of what is being written, and is needed again inside itself.
void CWriter::emit_reference(uint32_t id, uint32_t container) {
    const Kind kind = record(id).kind();
    if (is_struct_or_union(kind)) {
        if (id == container || !has_name(id)) {
            return;
        }
        forward_struct(id);
        text(";\n\n");
        states_[id].forward_declared = true;
    } else if (kind == Kind::Typedef) {
        if (!is_builtin(id)) {
            define_typedef(id);
            text(";\n\n");
        }
        states_[id].forward_declared = true;
    }
}

void CWriter::emit_struct(uint32_t id, uint32_t container) {
    State& state = states_[id];
    state.emitted = Emitted::open;
    if (container == 0 || !has_name(id)) {
        const DumpRecord type = record(id);
        const uint32_t count = type.elements();
        for (uint32_t i = 0; i != count; ++i) {
            emit(element_type(type, i, MemberField::type), has_name(id) ? id : container);
        }
    } else if (!state.forward_declared && id != container) {
        forward_struct(id);
        text(";\n\n");
        state.forward_declared = true;
    }
    if (container == 0) {
        define_struct(id, 0);
        text(";\n\n");
        state.emitted = Emitted::yes;
    } else {
        state.emitted = Emitted::no;
    }
}

void CWriter::forward_struct(uint32_t id) {
    text(record(id).kind() == Kind::Struct ? "struct" : "union");
    text(has_name(id) ? " " : "");
    text(type_name(id));
}

void CWriter::define_struct(uint32_t id, unsigned level) {
    const Depth deeper(*this, id);
    const DumpRecord type = record(id);
    const bool is_struct = type.kind() == Kind::Struct;
    const bool packed = is_struct && is_packed(type);
    const bool flag = type.flag();
    const uint32_t count = type.elements();
    const uint32_t size = type.size_or_type();
    forward_struct(id);
    text(" {");
    int64_t end = 0;
    bool after_bitfield = false;
    for (uint32_t i = 0; i != count; ++i) {
        step();
        const std::byte* member = type.element(i);
        const uint32_t held = element_type(type, i, MemberField::type);
        const uint32_t word = type.load(member + MemberField::offset);
        const int64_t offset = member_bit_offset(word, flag);
        const int64_t bits = member_bitfield_size(word, flag);
        pad(end, offset, packed ? 1 : alignment(held), after_bitfield && bits != 0, level + 1);
        text("\n");
        indent(level + 1);
        declare_inside(held, string(type, type.load(member + MemberField::name_off)), level + 1);
        if (bits != 0) {
            text(": ");
            signed_number(bits);
        }
        end = offset + (bits != 0 ? bits : 8 * std::max<int64_t>(0, sizes_.size(held)));
        after_bitfield = bits != 0;
        text(";");
    }
    if (is_struct) {
        pad(end, 8 * int64_t{size}, alignment(id), false, level + 1);
    }
    if (count != 0 || size != 0) {
        text("\n");
        indent(level);
    }
    text(packed ? "} __attribute__((packed))" : "}");
}

int64_t CWriter::alignment(uint32_t id) const { return std::max<int64_t>(0, sizes_.alignment(id)); }

bool CWriter::is_packed(const DumpRecord& type) const {
    int64_t most = 1;
    const bool flag = type.flag();
    const uint32_t count = type.elements();
    for (uint32_t i = 0; i != count; ++i) {
        const int64_t own = alignment(element_type(type, i, MemberField::type));
        const uint32_t word = type.load(type.element(i) + MemberField::offset);
        // libbpf takes the whole word here.
        if (own != 0 && member_bitfield_size(word, flag) == 0 && int64_t{word} % (8 * own) != 0) {
            return true;
        }
        most = std::max(most, own);
    }
    return type.size_or_type() % most != 0;
}

// Fills a gap so that the next member lies where it should: with bitfields without a name, of the largest
// type whose alignment helps.
void CWriter::pad(int64_t from, int64_t to, int64_t alignment, bool in_bitfield, unsigned level) {
    if (from >= to) {
        return;
    }
    struct Pad {
        std::string_view name;
        int64_t bits;
    };
    const Pad pads[] = {{"long", 8 * pointer_size_}, {"int", 32}, {"short", 16}, {"char", 8}};
    const auto write = [&](std::string_view name, int64_t bits) {
        step();
        text("\n");
        indent(level);
        text(name);
        text(": ");
        signed_number(bits);
        text(";");
    };
    const Pad* pad = pads;
    int64_t aligned = rounded_up(from, pad->bits);
    while (aligned > to && pad != std::end(pads) - 1) {
        ++pad;
        aligned = rounded_up(from, pad->bits);
    }
    if (aligned > from && aligned <= to) {
        // The compiler aligns by itself what wants that alignment; anything else has to be told.
        if (in_bitfield ||
            (aligned == to && rounded_up(from, std::max<int64_t>(1, 8 * alignment)) != aligned) ||
            (aligned != to && to - aligned <= aligned - from)) {
            write(pad->name, in_bitfield ? aligned - from : 0);
        }
        from = aligned;
    }
    while (from != to) {
        const int64_t bits = std::min(to - from, pad->bits);
        if (bits == pad->bits) {
            write(pad->name, bits);
        } else {
            const Pad* smallest = std::end(pads) - 1;
            while (smallest != pads && smallest->bits < bits) {
                --smallest;
            }
            pad = smallest;
            write(pad->name, bits);
        }
        from += bits;
    }
}

void CWriter::define_enum(uint32_t id, unsigned level) {
    const DumpRecord type = record(id);
    text(has_name(id) ? "enum " : "enum");
    text(type_name(id));
    const uint32_t count = type.elements();
    if (count == 0) {
        return;
    }
    text(" {");
    define_values(type, level);
    text("\n");
    indent(level);
    text("}");
    const uint32_t size = type.size_or_type();
    if (size == 1) {
        text(" __attribute__((mode(byte)))");
    } else if (size == 8 && pointer_size_ == 8) {
        bool fits = true;
        for (uint32_t i = 0; type.kind() == Kind::Enum64 && i != count; ++i) {
            fits &= type.load(type.element(i) + EnumField::value_high) == 0;
        }
        text(fits ? " __attribute__((mode(word)))" : "");
    }
}

// Enumerators share their names with typedefs.
void CWriter::define_values(const DumpRecord& type, unsigned level) {
    const bool is_signed = type.flag();
    const bool wide = type.kind() == Kind::Enum64;
    const uint32_t count = type.elements();
    for (uint32_t i = 0; i != count; ++i) {
        step();
        const std::byte* value = type.element(i);
        const std::string_view name = string(type, type.load(value + EnumField::name_off));
        const std::size_t uses = ++identifiers_[name];
        text("\n");
        indent(level + 1);
        text(name);
        if (uses > 1) {
            text("___");
            number(uses);
        }
        text(" = ");
        const std::uint64_t low = type.load(value + EnumField::value);
        if (wide) {
            const std::uint64_t bits = std::uint64_t{type.load(value + EnumField::value_high)} << 32 | low;
            is_signed ? signed_number(static_cast<int64_t>(bits)) : number(bits);
            text(is_signed ? "LL," : "ULL,");
        } else {
            is_signed ? signed_number(static_cast<std::int32_t>(low)) : number(low);
            text(",");
        }
    }
}

void CWriter::define_forward(uint32_t id) {
    text(record(id).flag() ? "union " : "struct ");
    text(type_name(id));
}

void CWriter::define_typedef(uint32_t id) {
    const std::string_view name = identifier(id);
    const uint32_t of = target(record(id));
    if (of == 0 && name == "__gnuc_va_list") {
        text("typedef __builtin_va_list __gnuc_va_list");  // old GCC has void here
        return;
    }
    text("typedef ");
    declare_inside(of, name, 0);
}

// What GCC for arm64 uses without a definition.
void CWriter::alias_missing(uint32_t id) {
    constexpr std::pair<std::string_view, std::string_view> aliases[] = {
        {"__Poly8_t", "unsigned char"},
        {"__Poly16_t", "unsigned short"},
        {"__Poly64_t", "unsigned long long"},
        {"__Poly128_t", "unsigned __int128"},
    };
    const std::string_view name = type_name(id);
    for (const auto& [alias, type] : aliases) {
        if (name == alias) {
            text("typedef ");
            text(type);
            text(" ");
            text(name);
            text(";\n\n");
        }
    }
}

// The compiler has it built in.
bool CWriter::is_builtin(uint32_t id) const { return own_name(id) == "__builtin_va_list"; }

// -- declarations

void CWriter::declare_inside(uint32_t id, std::string_view name, unsigned level) {
    const Depth deeper(*this, id);
    Chain chain;
    for (;;) {
        step();
        chain.push_back(id);
        const DumpRecord type = record(id);
        const Kind kind = type.kind();
        const bool goes_on =
            kind == Kind::Ptr || kind == Kind::FuncProto || kind == Kind::Array || is_modifier(kind);
        if (!goes_on) {
            break;
        }
        id = target(type);
    }
    write_chain(chain, name, level);
}

void CWriter::write_modifiers(Chain& chain) {
    for (; !chain.empty(); chain.pop_back()) {
        switch (record(chain.back()).kind()) {
            case Kind::Volatile:
                text("volatile ");
                break;
            case Kind::Const:
                text("const ");
                break;
            case Kind::Restrict:
                text("restrict ");
                break;
            default:
                return;
        }
    }
}

void CWriter::drop_modifiers(Chain& chain) const {
    while (!chain.empty() && is_modifier(record(chain.back()).kind())) {
        chain.pop_back();
    }
}

void CWriter::write_name(std::string_view name, bool after_pointer) {
    text(name.empty() || after_pointer ? "" : " ");
    text(name);
}

void CWriter::write_chain(Chain& chain, std::string_view name, unsigned level) {
    const Depth deeper(*this, 0);
    bool after_pointer = true;  // a lone pointer needs no space before it
    while (!chain.empty()) {
        step();
        const uint32_t id = chain.back();
        chain.pop_back();
        const DumpRecord type = record(id);
        const Kind kind = type.kind();
        switch (kind) {
            case Kind::Void:
                write_modifiers(chain);
                text("void");
                break;
            case Kind::Int:
            case Kind::Float:
                write_modifiers(chain);
                text(own_name(id));
                break;
            case Kind::Struct:
            case Kind::Union:
                write_modifiers(chain);
                has_name(id) ? forward_struct(id) : define_struct(id, level);
                break;
            case Kind::Enum:
            case Kind::Enum64:
                write_modifiers(chain);
                if (has_name(id)) {
                    text("enum ");
                    text(type_name(id));
                } else {
                    define_enum(id, level);
                }
                break;
            case Kind::Fwd:
                write_modifiers(chain);
                define_forward(id);
                break;
            case Kind::Typedef:
                write_modifiers(chain);
                text(identifier(id));
                break;
            case Kind::Ptr:
                text(after_pointer ? "*" : " *");
                break;
            case Kind::Volatile:
                text(" volatile");
                break;
            case Kind::Const:
                text(" const");
                break;
            case Kind::Restrict:
                text(" restrict");
                break;
            case Kind::TypeTag:
                write_modifiers(chain);
                text(type.flag() ? " __attribute__((" : " __attribute__((btf_type_tag(\"");
                text(own_name(id));
                text(type.flag() ? "))" : "\")))");
                break;
            case Kind::Array:
                return write_array(type, chain, name, after_pointer, level);
            case Kind::FuncProto:
                return write_prototype(type, chain, name, after_pointer, level);
            default:
                return;  // nothing that C declares
        }
        after_pointer = kind == Kind::Ptr;
    }
    write_name(name, after_pointer);
}

void CWriter::write_array(const DumpRecord& array, Chain& chain, std::string_view name, bool after_pointer,
                          unsigned level) {
    drop_modifiers(chain);  // GCC repeats those of the elements
    if (chain.empty()) {
        write_name(name, after_pointer);
    } else {
        const bool more_dimensions = record(chain.back()).kind() == Kind::Array;
        text(name.empty() || after_pointer ? "" : " ");
        text(more_dimensions ? "" : "(");
        write_chain(chain, name, level);
        text(more_dimensions ? "" : ")");
    }
    text("[");
    number(array.word(kHeadSize + ArrayField::nelems));
    text("]");
}

void CWriter::write_prototype(const DumpRecord& proto, Chain& chain, std::string_view name,
                              bool after_pointer, unsigned level) {
    drop_modifiers(chain);  // GCC's volatile stands for noreturn
    if (chain.empty()) {
        write_name(name, after_pointer);
    } else {
        text(" (");
        write_chain(chain, name, level);
        text(")");
    }
    const uint32_t count = proto.elements();
    if (count == 0 || (count == 1 && element_type(proto, 0, ParamField::type) == 0)) {
        text("(void)");
        return;
    }
    text("(");
    for (uint32_t i = 0; i != count; ++i) {
        text(i == 0 ? "" : ", ");
        const uint32_t type = element_type(proto, i, ParamField::type);
        if (i == count - 1 && type == 0) {
            text("...");
        } else {
            const uint32_t offset = proto.load(proto.element(i) + ParamField::name_off);
            declare_inside(type, string(proto, offset), level);
        }
    }
    text(")");
}

// -- names

std::string_view CWriter::string(const DumpRecord& record, uint32_t offset) const {
    return offset < record.btf->strings().end() ? record.btf->strings().at(offset) : std::string_view();
}

std::string_view CWriter::own_name(uint32_t id) const { return string(record(id), name_off(id)); }

std::string_view CWriter::unique_name(uint32_t id, Uses& uses) {
    if (!has_name(id)) {
        return {};
    }
    State& state = states_[id];
    const std::string_view name = own_name(id);
    if (!state.named) {
        state.named = true;
        const DumpRecord type = record(id);
        // A declaration does not take the name.
        const bool declares = type.kind() == Kind::Fwd || (type.kind() == Kind::Enum && type.elements() == 0);
        const std::size_t count = declares ? 1 : ++uses[name];
        if (count > 1) {
            std::string other = std::string(name) + "___" + std::to_string(count);
            other.resize(std::min(other.size(), kLongestName));
            other_names_[id] = std::move(other);
        }
    }
    const auto other = other_names_.find(id);
    return other == other_names_.end() ? name : other->second;
}

void CWriter::indent(unsigned level) {
    text(std::string_view("\t\t\t\t\t\t\t\t\t\t\t\t\t").substr(0, std::min(level, kMostTabs)));
}

}  // namespace btfmmap
