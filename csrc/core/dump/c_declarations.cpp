#include "core/dump/c_declarations.hpp"

#include <algorithm>
#include <string>

#include "core/analysis/members.hpp"
#include "core/base/error.hpp"
#include "core/format/kind_text.hpp"
#include "core/index/enums.hpp"

namespace btfmmap {

namespace {

using std::int64_t;
using std::uint32_t;

int64_t rounded_up(int64_t number, int64_t unit) { return (number + unit - 1) / unit * unit; }

}  // namespace

// The types of a declaration from the outermost to the innermost, written from the back. All chains share one
// array, and each occupies its end while it is being written.
class CDeclarations::Chain {
public:
    explicit Chain(std::vector<uint32_t>& ids) : ids_(ids), bottom_(ids.size()) {}
    ~Chain() { ids_.resize(bottom_); }
    Chain(const Chain&) = delete;
    Chain& operator=(const Chain&) = delete;

    bool empty() const { return ids_.size() == bottom_; }
    uint32_t back() const { return ids_.back(); }
    void push(uint32_t id) { ids_.push_back(id); }
    void pop() { ids_.pop_back(); }

private:
    std::vector<uint32_t>& ids_;
    std::size_t bottom_;
};

// -- definitions

void CDeclarations::define(uint32_t id) {
    const TypeRecord type = record(id);
    switch (type.kind()) {
        case Kind::Struct:
        case Kind::Union:
            return define_struct(id);
        case Kind::Enum:
        case Kind::Enum64:
            return define_enum(id);
        case Kind::Typedef:
            return define_typedef(id);
        case Kind::Func:
            return declare(type.target(), names_.own(id));
        case Kind::Var: {
            const uint32_t linkage = type.word(kHeadSize);
            out_.write(linkage == 0 ? "static " : linkage == 2 ? "extern " : "");
            return declare(type.target(), names_.own(id));
        }
        case Kind::Void:
            return declare(id, "");
        default:
            if (shape_of(type.kind()).known && type.kind() != Kind::Datasec && type.kind() != Kind::DeclTag) {
                return declare(id, "");
            }
    }
    throw Error::not_supported("type [" + std::to_string(id) + "] is of kind " +
                               std::string(kind_text(type.kind()).view()) +
                               ", which C has no declaration for");
}

void CDeclarations::define_struct(uint32_t id, unsigned level) {
    const CLimits::Depth deeper(limits_, id);
    const TypeRecord type = record(id);
    const bool is_struct = type.kind() == Kind::Struct;
    const std::vector<uint32_t> order = order_of_members(type);
    const bool packed = is_struct && (is_packed(type) || (!order.empty() && has_bitfield_across_units(type)));
    const bool flag = type.flag();
    const uint32_t count = type.elements();
    const uint32_t size = type.size_or_type();
    forward(id);
    out_.write(" {");
    int64_t end = 0;
    bool after_bitfield = false;
    for (uint32_t i = 0; i != count; ++i) {
        limits_.step();
        const uint32_t number = order.empty() ? i : order[i];
        const std::byte* member = type.element(number);
        const uint32_t held = type.element_type(number, MemberField::type);
        const uint32_t word = type.load(member + MemberField::offset);
        const int64_t offset = member_bit_offset(word, flag);
        const int64_t bits = member_bitfield_size(word, flag);
        if (fidelity_ == Fidelity::layout) {
            check_member(type, number, end);
        }
        pad(end, offset, packed ? 1 : alignment(held), after_bitfield && bits != 0, level + 1);
        out_.new_line(level + 1);
        declare(held, names_.string(type.load(member + MemberField::name_off)), level + 1);
        if (bits != 0) {
            out_.write(": ");
            out_.signed_number(bits);
        }
        end = offset + (bits != 0 ? bits : 8 * std::max<int64_t>(0, sizes_.size(held)));
        after_bitfield = bits != 0;
        out_.write(";");
    }
    if (is_struct) {
        pad(end, 8 * int64_t{size}, alignment(id), false, level + 1);
    }
    if (count != 0 || size != 0) {
        out_.new_line(level);
    }
    packed ? out_.write("} __attribute__((packed))") : out_.write("}");
}

// Returns the order of members by their numbers. Empty if it is the order of the record.
std::vector<uint32_t> CDeclarations::order_of_members(const TypeRecord& type) const {
    std::vector<uint32_t> order;
    if (fidelity_ == Fidelity::layout && type.kind() == Kind::Struct) {
        order = members_by_offset(*type.index, sizes_, static_cast<uint32_t>(type.row));
        if (std::is_sorted(order.begin(), order.end())) {
            order.clear();
        }
    }
    return order;
}

// Throws Error (not_supported) if C cannot place a member at its offset. `end` is the end of the previous
// members, in bits.
void CDeclarations::check_member(const TypeRecord& type, uint32_t number, int64_t end) const {
    const std::byte* member = type.element(number);
    const uint32_t held = type.element_type(number, MemberField::type);
    const uint32_t word = type.load(member + MemberField::offset);
    const int64_t start = member_bit_offset(word, type.flag());
    const bool is_bitfield = member_bitfield_size(word, type.flag()) != 0;
    const bool is_named = !names_.string(type.load(member + MemberField::name_off)).empty();
    const auto reject = [&](const std::string& why) {
        throw Error::not_supported("type [" + std::to_string(type.id) + "] has a member " +
                                   std::to_string(number) + " at bit " + std::to_string(start) + why);
    };
    if (type.kind() == Kind::Union && start != 0) {
        reject(" of a union, but C places all members of a union at bit 0");
    }
    if (type.kind() == Kind::Struct && start < end) {
        reject(", where another one ends at bit " + std::to_string(end) + ", which C cannot express");
    }
    if (!is_bitfield && start % 8 != 0) {
        reject(", within a byte, although it is not a bitfield");
    }
    const uint32_t resolved = sizes_.resolved(held);
    const bool is_nested = resolved != Sizes::kNoType && is_composite(record(resolved).kind());
    if (!is_named && !is_bitfield && !is_nested) {
        reject(" without a name, although it is not a struct, union or bitfield");
    }
}

int64_t CDeclarations::alignment(uint32_t id) const { return std::max<int64_t>(0, sizes_.alignment(id)); }

bool CDeclarations::is_packed(const TypeRecord& type) const {
    int64_t max_alignment = 1;
    const bool flag = type.flag();
    const uint32_t count = type.elements();
    for (uint32_t i = 0; i != count; ++i) {
        const int64_t own = alignment(type.element_type(i, MemberField::type));
        const uint32_t word = type.load(type.element(i) + MemberField::offset);
        // Like libbpf, takes the whole word as the offset.
        if (own != 0 && member_bitfield_size(word, flag) == 0 && int64_t{word} % (8 * own) != 0) {
            return true;
        }
        max_alignment = std::max(max_alignment, own);
    }
    return type.size_or_type() % max_alignment != 0;
}

// Whether a bitfield extends into a second storage unit of its type. Unless the struct is packed, compilers
// move such a bitfield to the second unit.
bool CDeclarations::has_bitfield_across_units(const TypeRecord& type) const {
    const bool flag = type.flag();
    const uint32_t count = type.elements();
    for (uint32_t i = 0; i != count; ++i) {
        const uint32_t word = type.load(type.element(i) + MemberField::offset);
        const int64_t unit = 8 * sizes_.size(type.element_type(i, MemberField::type));
        const int64_t bits = member_bitfield_size(word, flag);
        if (bits != 0 && unit > 0 && member_bit_offset(word, flag) % unit + bits > unit) {
            return true;
        }
    }
    return false;
}

// Fills a gap with padding bitfields, so that the next member has its offset. Uses the largest type that fits
// the alignment.
void CDeclarations::pad(int64_t from, int64_t to, int64_t alignment, bool in_bitfield, unsigned level) {
    if (from >= to) {
        return;
    }
    struct Pad {
        std::string_view name;
        int64_t bits;
    };
    const Pad pads[] = {{"long", 8 * pointer_size_}, {"int", 32}, {"short", 16}, {"char", 8}};
    const auto write = [&](std::string_view name, int64_t bits) {
        limits_.step();
        out_.new_line(level);
        out_.write(name);
        out_.write(": ");
        out_.signed_number(bits);
        out_.write(";");
    };
    const Pad* pad = pads;
    int64_t aligned = rounded_up(from, pad->bits);
    while (aligned > to && pad != std::end(pads) - 1) {
        ++pad;
        aligned = rounded_up(from, pad->bits);
    }
    if (aligned > from && aligned <= to) {
        // The compiler inserts the padding that the next member's alignment requires. Other gaps need a
        // bitfield.
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

void CDeclarations::define_enum(uint32_t id, unsigned level) {
    const TypeRecord type = record(id);
    names_.has_name(id) ? out_.write("enum ") : out_.write("enum");
    out_.write(names_.tag(id));
    const uint32_t count = type.elements();
    if (count == 0) {
        return;
    }
    const bool layout = fidelity_ == Fidelity::layout;
    const bool is_signed =
        layout ? enum_is_signed(*type.index, static_cast<uint32_t>(type.row)) : type.flag();
    out_.write(" {");
    define_values(type, is_signed, level);
    out_.new_line(level);
    out_.write("}");
    layout ? write_size(type, is_signed) : write_mode(type);
}

// Writes libbpf's attribute for an enum whose size is not that of an int. libbpf has none for two bytes.
void CDeclarations::write_mode(const TypeRecord& type) {
    const uint32_t size = type.size_or_type();
    if (size == 1) {
        out_.write(" __attribute__((mode(byte)))");
    } else if (size == 8 && pointer_size_ == 8) {
        bool fits = true;
        const uint32_t count = type.elements();
        for (uint32_t i = 0; type.kind() == Kind::Enum64 && i != count; ++i) {
            fits &= type.load(type.element(i) + EnumField::value_high) == 0;
        }
        if (fits) {
            out_.write(" __attribute__((mode(word)))");
        }
    }
}

// Writes the attribute that makes a compiler choose the enum's size. Throws Error (not_supported) if there is
// none.
void CDeclarations::write_size(const TypeRecord& type, bool is_signed) {
    int64_t lowest = 0;
    std::uint64_t highest = 0;
    const uint32_t count = type.elements();
    for (uint32_t i = 0; i != count; ++i) {
        const std::uint64_t value = enum_value(*type.index, type.kind(), type.element(i));
        const int64_t as_signed = signed_enum_value(type.kind(), value);
        if (is_signed && as_signed < 0) {
            lowest = std::min(lowest, as_signed);
        } else {
            highest = std::max(highest, value);
        }
    }
    const auto fits = [&](unsigned bits) {
        return lowest == 0 ? highest >> (bits - 1) <= 1
                           : highest >> (bits - 1) == 0 && -(lowest + 1) >> (bits - 1) == 0;
    };
    const uint32_t size = type.size_or_type();
    const bool has_size = size == 1 || size == 2 || size == 4 || size == 8;
    if (!has_size || !fits(8 * size)) {
        throw Error::not_supported("type [" + std::to_string(type.id) + "] is an enum of " +
                                   std::to_string(size) +
                                   " bytes, a size that C cannot give an enum of its values");
    }
    if (size == 1) {
        out_.write(" __attribute__((mode(byte)))");
    } else if (size == 2) {
        fits(8) ? out_.write(" __attribute__((mode(HI)))") : out_.write(" __attribute__((packed))");
    } else if (size == 8 && fits(32)) {
        pointer_size_ == 8 ? out_.write(" __attribute__((mode(word)))")
                           : out_.write(" __attribute__((mode(DI)))");
    }
}

// Writes enumerators. Their names share a namespace with those of typedefs.
void CDeclarations::define_values(const TypeRecord& type, bool is_signed, unsigned level) {
    const bool wide = type.kind() == Kind::Enum64;
    const uint32_t count = type.elements();
    for (uint32_t i = 0; i != count; ++i) {
        limits_.step();
        const std::byte* value = type.element(i);
        const std::string_view name = names_.string(type.load(value + EnumField::name_off));
        const std::size_t uses = names_.count_enumerator(name);
        out_.new_line(level + 1);
        out_.write(name);
        if (uses > 1) {
            out_.write("___");
            out_.number(uses);
        }
        out_.write(" = ");
        const std::uint64_t low = type.load(value + EnumField::value);
        if (wide) {
            const std::uint64_t bits = std::uint64_t{type.load(value + EnumField::value_high)} << 32 | low;
            is_signed ? out_.signed_number(static_cast<int64_t>(bits)) : out_.number(bits);
            is_signed ? out_.write("LL,") : out_.write("ULL,");
        } else {
            is_signed ? out_.signed_number(static_cast<std::int32_t>(low)) : out_.number(low);
            out_.write(",");
        }
    }
}

void CDeclarations::forward(uint32_t id) {
    const TypeRecord type = record(id);
    const bool is_union = type.kind() == Kind::Fwd ? type.flag() : type.kind() == Kind::Union;
    is_union ? out_.write("union") : out_.write("struct");
    if (names_.has_name(id) || type.kind() == Kind::Fwd) {
        out_.write(" ");
    }
    out_.write(names_.tag(id));
}

void CDeclarations::define_typedef(uint32_t id) {
    const std::string_view name = names_.identifier(id);
    const uint32_t aliased = record(id).target();
    if (aliased == 0 && name == "__gnuc_va_list") {
        out_.write("typedef __builtin_va_list __gnuc_va_list");  // old versions of GCC record void here
        return;
    }
    out_.write("typedef ");
    declare(aliased, name, 0);
}

// -- declarations

void CDeclarations::declare(uint32_t id, std::string_view name, unsigned level) {
    const CLimits::Depth deeper(limits_, id);
    Chain chain(chains_);
    for (;;) {
        limits_.step();
        const TypeRecord type = record(id);
        const Kind kind = type.kind();
        if (style_ == Style::whole || !is_modifier(kind)) {
            chain.push(id);
        }
        const bool goes_on =
            kind == Kind::Ptr || kind == Kind::FuncProto || kind == Kind::Array || is_modifier(kind);
        if (!goes_on) {
            break;
        }
        id = type.target();
    }
    write_chain(chain, name, level);
}

void CDeclarations::write_modifiers(Chain& chain) {
    for (; !chain.empty(); chain.pop()) {
        switch (record(chain.back()).kind()) {
            case Kind::Volatile:
                out_.write("volatile ");
                break;
            case Kind::Const:
                out_.write("const ");
                break;
            case Kind::Restrict:
                out_.write("restrict ");
                break;
            default:
                return;
        }
    }
}

void CDeclarations::drop_modifiers(Chain& chain) const {
    while (!chain.empty() && is_modifier(record(chain.back()).kind())) {
        chain.pop();
    }
}

void CDeclarations::write_name(std::string_view name, bool after_pointer) {
    if (!name.empty() && !after_pointer) {
        out_.write(" ");
    }
    out_.write(name);
}

void CDeclarations::write_chain(Chain& chain, std::string_view name, unsigned level) {
    const CLimits::Depth deeper(limits_, 0);
    bool after_pointer = true;  // a lone pointer needs no space before it
    while (!chain.empty()) {
        limits_.step();
        const uint32_t id = chain.back();
        chain.pop();
        const TypeRecord type = record(id);
        const Kind kind = type.kind();
        switch (kind) {
            case Kind::Void:
                write_modifiers(chain);
                out_.write("void");
                break;
            case Kind::Int:
            case Kind::Float:
                write_modifiers(chain);
                out_.write(names_.own(id));
                break;
            case Kind::Struct:
            case Kind::Union:
                write_modifiers(chain);
                names_.has_name(id) || style_ == Style::cast ? forward(id) : define_struct(id, level);
                break;
            case Kind::Enum:
            case Kind::Enum64:
                write_modifiers(chain);
                if (names_.has_name(id) || style_ == Style::cast) {
                    out_.write("enum ");
                    out_.write(names_.tag(id));
                } else {
                    define_enum(id, level);
                }
                break;
            case Kind::Fwd:
                write_modifiers(chain);
                forward(id);
                break;
            case Kind::Typedef:
                write_modifiers(chain);
                out_.write(names_.identifier(id));
                break;
            case Kind::Ptr:
                after_pointer ? out_.write("*") : out_.write(" *");
                break;
            case Kind::Volatile:
                out_.write(" volatile");
                break;
            case Kind::Const:
                out_.write(" const");
                break;
            case Kind::Restrict:
                out_.write(" restrict");
                break;
            case Kind::TypeTag:
                write_modifiers(chain);
                type.flag() ? out_.write(" __attribute__((") : out_.write(" __attribute__((btf_type_tag(\"");
                out_.write(names_.own(id));
                type.flag() ? out_.write("))") : out_.write("\")))");
                break;
            case Kind::Array:
                return write_array(type, chain, name, after_pointer, level);
            case Kind::FuncProto:
                return write_prototype(type, chain, name, after_pointer, level);
            default:
                return;  // C has no declaration for this kind
        }
        after_pointer = kind == Kind::Ptr;
    }
    write_name(name, after_pointer);
}

void CDeclarations::write_array(const TypeRecord& array, Chain& chain, std::string_view name,
                                bool after_pointer, unsigned level) {
    drop_modifiers(chain);  // GCC repeats the qualifiers of the elements
    if (chain.empty()) {
        write_name(name, after_pointer);
    } else {
        const bool more_dimensions = record(chain.back()).kind() == Kind::Array;
        if (!name.empty() && !after_pointer) {
            out_.write(" ");
        }
        if (!more_dimensions) {
            out_.write("(");
        }
        write_chain(chain, name, level);
        if (!more_dimensions) {
            out_.write(")");
        }
    }
    out_.write("[");
    out_.number(array.word(kHeadSize + ArrayField::nelems));
    out_.write("]");
}

void CDeclarations::write_prototype(const TypeRecord& proto, Chain& chain, std::string_view name,
                                    bool after_pointer, unsigned level) {
    drop_modifiers(chain);  // GCC records noreturn as volatile
    if (chain.empty()) {
        write_name(name, after_pointer);
    } else {
        out_.write(" (");
        write_chain(chain, name, level);
        out_.write(")");
    }
    const uint32_t count = proto.elements();
    if (count == 0 || (count == 1 && proto.element_type(0, ParamField::type) == 0)) {
        out_.write("(void)");
        return;
    }
    out_.write("(");
    for (uint32_t i = 0; i != count; ++i) {
        if (i != 0) {
            out_.write(", ");
        }
        const uint32_t type = proto.element_type(i, ParamField::type);
        if (i == count - 1 && type == 0) {
            out_.write("...");
        } else {
            const uint32_t offset = proto.load(proto.element(i) + ParamField::name_off);
            declare(type, names_.string(offset), level);
        }
    }
    out_.write(")");
}

}  // namespace btfmmap
