#include "core/dump/c_declarations.hpp"

#include <algorithm>
#include <string>

#include "core/base/error.hpp"
#include "core/dump/c_spelling.hpp"
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
    forward(id);
    dialect_ == CDialect::bpftool ? define_as_libbpf(type, level) : define_as_laid_out(type, level);
}

void CDeclarations::define_as_libbpf(const TypeRecord& type, unsigned level) {
    const bool is_struct = type.kind() == Kind::Struct;
    const bool packed = is_struct && is_packed(type);
    const bool flag = type.flag();
    const uint32_t count = type.elements();
    const uint32_t size = type.size_or_type();
    out_.write(" {");
    int64_t end = 0;
    bool after_bitfield = false;
    for (uint32_t i = 0; i != count; ++i) {
        limits_.step();
        const std::byte* member = type.element(i);
        const uint32_t held = type.element_type(i, MemberField::type);
        const uint32_t word = type.load(member + MemberField::offset);
        const int64_t offset = member_bit_offset(word, flag);
        const int64_t bits = member_bitfield_size(word, flag);
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
        pad(end, 8 * int64_t{size}, alignment(type.id), false, level + 1);
    }
    if (count != 0 || size != 0) {
        out_.new_line(level);
    }
    packed ? out_.write("} __attribute__((packed))") : out_.write("}");
}

// Writes members so that compilers place them as in the BTF. They insert the padding that alignment requires;
// all other gaps are filled.
void CDeclarations::define_as_laid_out(const TypeRecord& type, unsigned level) {
    const CLayouts::Definition definition = layouts_.definition(type.id);
    const bool is_struct = type.kind() == Kind::Struct;
    const int64_t size = 8 * int64_t{type.size_or_type()};
    const int64_t unit = definition.packed ? pointer_size_ : definition.alignment.lowest;
    out_.write(" {");
    int64_t end = 0;
    for (const CLayouts::Member& member : definition.members) {
        if (member.fault != CLayouts::Fault::none) {
            leave_out(type, member, level + 1);
            continue;
        }
        const int64_t aligned = definition.packed ? 1 : 8 * layouts_.alignment(member.type).lowest;
        if (is_struct && (member.is_bitfield || rounded_up(end, aligned) != member.offset)) {
            fill(end, member.offset, unit, definition.packed, level + 1);
        }
        write_member(member, level + 1);
        end = std::max(end, member.end());
    }
    const int64_t aligned = definition.packed ? 8 : 8 * definition.alignment.lowest;
    if (rounded_up(end, aligned) < size) {
        is_struct ? fill(end, size, unit, definition.packed, level + 1) : fill_union(size, level + 1);
    }
    if (!definition.members.empty() || size != 0) {
        out_.new_line(level);
    }
    definition.packed ? out_.write("} __attribute__((packed))") : out_.write("}");
}

void CDeclarations::write_member(const CLayouts::Member& member, unsigned level) {
    limits_.step();
    const std::string_view name = names_.string(member.name_off);
    out_.new_line(level);
    // Not `name.empty()`: the bytes may have changed since.
    if (is_standard(dialect_) && member.is_unnamed && member.is_composite && !member.is_bitfield) {
        // Without extensions, only a struct that is defined here can have no name.
        const TypeRecord type = record(sizes_.resolved(member.type));
        const CLimits::Depth deeper(limits_, type.id);
        type.kind() == Kind::Union ? out_.write("union") : out_.write("struct");
        define_as_laid_out(type, level);
    } else {
        const std::string_view legal = name.empty() ? name : names_.legal(name);
        declare(member.type, legal, level);
        write_original_name(name);
    }
    if (member.is_bitfield) {
        out_.write(": ");
        out_.signed_number(member.size);
    }
    out_.write(";");
}

// Writes a comment instead of a member that C cannot express. Throws Error (not_supported) outside the
// standard dialects.
void CDeclarations::leave_out(const TypeRecord& type, const CLayouts::Member& member, unsigned level) {
    limits_.step();
    const std::string at = std::to_string(member.number);
    const std::string why = " at bit " + std::to_string(member.offset) + CLayouts::describe(member);
    if (!is_standard(dialect_)) {
        throw Error::not_supported("type [" + std::to_string(type.id) + "] has a member " + at + why);
    }
    out_.new_line(level);
    out_.write("/* left out: member ");
    out_.write(std::string_view(at));
    const std::string_view name = names_.string(member.name_off);
    if (!name.empty()) {
        out_.write(", ");
        out_.comment(name);
        out_.write(",");
    }
    out_.write(std::string_view(why));
    out_.write(" */");
}

// Fills a gap with unnamed bitfields. In a struct that is not packed, they lie within units of so many bytes,
// so that compilers neither move them nor, on ARM, align the struct to more.
void CDeclarations::fill(int64_t from, int64_t to, int64_t unit, bool packed, unsigned level) {
    struct Filler {
        std::string_view name;
        int64_t bits;
    };
    const Filler fillers[] = {{"char", 8}, {"short", 16}, {"int", 32}, {"long", 8 * pointer_size_}};
    const int64_t widest = 8 * std::min(unit, pointer_size_);
    while (from < to) {
        limits_.step();
        const int64_t bits = std::min(to - from, packed ? widest : widest - from % widest);
        const Filler* filler = fillers;
        while (filler->bits < bits || (!packed && from % filler->bits + bits > filler->bits)) {
            ++filler;
        }
        out_.new_line(level);
        out_.write(filler->name);
        out_.write(": ");
        out_.signed_number(bits);
        out_.write(";");
        from += bits;
    }
}

// Gives a union its size if that of its members is smaller.
void CDeclarations::fill_union(int64_t size, unsigned level) {
    out_.new_line(level);
    out_.write("struct {");
    fill(0, size, pointer_size_, true, level + 1);
    out_.new_line(level);
    out_.write("} __attribute__((packed));");
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
    write_original(id);
    const uint32_t count = type.elements();
    if (count == 0) {
        return;
    }
    const bool as_libbpf = dialect_ == CDialect::bpftool;
    const bool is_signed =
        as_libbpf ? type.flag() : enum_is_signed(*type.index, static_cast<uint32_t>(type.row));
    out_.write(" {");
    define_values(type, is_signed, level);
    out_.new_line(level);
    out_.write("}");
    as_libbpf ? write_mode(type) : write_size(type);
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
void CDeclarations::write_size(const TypeRecord& type) {
    const uint32_t size = type.size_or_type();
    if (!layouts_.is_definable(type)) {
        throw Error::not_supported("type [" + std::to_string(type.id) + "] is an enum of " +
                                   std::to_string(size) +
                                   " bytes, a size that C cannot give an enum of its values");
    }
    if (size == 1) {
        out_.write(" __attribute__((mode(byte)))");
    } else if (size == 2) {
        CLayouts::values_fit(type, 8) ? out_.write(" __attribute__((mode(HI)))")
                                      : out_.write(" __attribute__((packed))");
    } else if (size == 8 && CLayouts::values_fit(type, 32)) {
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
        const std::string_view own_name = names_.string(type.load(value + EnumField::name_off));
        const std::string_view name = names_.legal(own_name);
        const std::size_t uses = names_.count_enumerator(name);
        out_.new_line(level + 1);
        out_.write(name);
        if (uses > 1) {
            out_.write("___");
            out_.number(uses);
        }
        write_original_name(own_name);
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
    write_original(id);
}

void CDeclarations::comment_original(std::string_view name) {
    if (!name.empty() && !is_c_identifier(name, dialect_)) {
        out_.write(" /* ");
        out_.comment(name);
        out_.write(" */");
    }
}

// Whether a typedef refers to the type that C23 calls bool.
bool CDeclarations::is_bool(uint32_t id) const {
    const uint32_t resolved = sizes_.resolved(id);
    return resolved != Sizes::kNoType && record(resolved).kind() == Kind::Int && sizes_.size(resolved) == 1 &&
           names_.own(resolved) == "_Bool";
}

bool CDeclarations::is_builtin(uint32_t id) const {
    const TypeRecord type = record(id);
    if (type.kind() == Kind::Typedef) {
        const std::string_view name = names_.own(id);
        return name == "__builtin_va_list" || (dialect_ == CDialect::c23 && name == "bool" && is_bool(id));
    }
    if (dialect_ != CDialect::c23 || !is_enum(type.kind()) || names_.has_name(id)) {
        return false;
    }
    const uint32_t count = type.elements();
    for (uint32_t i = 0; i != count; ++i) {
        const std::string_view name = names_.string(type.load(type.element(i) + EnumField::name_off));
        const std::uint64_t value = enum_value(*type.index, type.kind(), type.element(i));
        if (!(name == "false" && value == 0) && !(name == "true" && value == 1)) {
            return false;
        }
    }
    return count != 0;
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
    write_original(id);
}

// -- declarations

void CDeclarations::declare(uint32_t id, std::string_view name, unsigned level) {
    const CLimits::Depth deeper(limits_, id);
    Chain chain(chains_);
    for (;;) {
        limits_.step();
        const TypeRecord type = record(id);
        const Kind kind = type.kind();
        bool goes_on =
            kind == Kind::Ptr || kind == Kind::FuncProto || kind == Kind::Array || is_modifier(kind);
        bool is_written = style_ == Style::whole || !is_modifier(kind);
        if (is_standard(dialect_)) {
            const bool transparent = is_transparent(type);
            goes_on = transparent || (goes_on && !is_incomplete_array(type));
            is_written = is_written && !transparent;
        }
        if (is_written) {
            chain.push(id);
        }
        if (!goes_on) {
            break;
        }
        id = type.target();
    }
    write_chain(chain, name, level);
}

// Whether a standard dialect writes the type that this one refers to instead. The compiler's va_list may have
// another size than the kernel's, `bool` is a keyword in C23 but not in all compilers' drafts of it, and
// `restrict` requires a pointer to an object.
bool CDeclarations::is_transparent(const TypeRecord& type) const {
    if (type.kind() == Kind::Typedef) {
        return is_builtin(type.id) && layouts_.has_objects(type.id);
    }
    if (type.kind() != Kind::Restrict) {
        return false;
    }
    const uint32_t pointer = sizes_.resolved(type.id);
    if (pointer == Sizes::kNoType || record(pointer).kind() != Kind::Ptr) {
        return true;
    }
    const uint32_t target = sizes_.resolved(record(pointer).target());
    return target == Sizes::kNoType || record(target).kind() == Kind::FuncProto;
}

// C has no arrays of void, of functions or of types that are only declared.
bool CDeclarations::is_incomplete_array(const TypeRecord& type) const {
    return type.kind() == Kind::Array && !layouts_.has_objects(type.id);
}

void CDeclarations::write_number(const TypeRecord& type) {
    const std::string_view name = names_.own(type.id);
    const uint32_t size = type.size_or_type();
    const auto pointer_size = static_cast<uint32_t>(pointer_size_);
    if (type.kind() == Kind::Int && c_integer_size(name, pointer_size) == size) {
        return out_.write(name);
    }
    const std::string_view spelling = type.kind() == Kind::Int
                                          ? c_integer(size, int_encoding(type.word(kHeadSize)), pointer_size)
                                          : c_float(name, size, pointer_size);
    if (spelling.empty()) {
        return write_incomplete(type);
    }
    out_.write(spelling);
    if (spelling != name) {
        out_.write(" /* ");
        out_.comment(name);
        out_.write(" */");
    }
}

// Writes an integer of the same size instead of an enum that C cannot define.
void CDeclarations::write_enum_as_integer(const TypeRecord& type) {
    const bool is_signed = enum_is_signed(*type.index, static_cast<uint32_t>(type.row));
    const std::string_view spelling =
        c_integer(type.size_or_type(), is_signed ? 1 : 0, static_cast<uint32_t>(pointer_size_));
    if (spelling.empty()) {
        return write_incomplete(type);
    }
    out_.write(spelling);
    out_.write(" /* enum ");
    out_.comment(names_.own(type.id));
    out_.write(" */");
}

void CDeclarations::write_instead(const TypeRecord& type, Chain& chain) {
    write_modifiers(chain);
    write_incomplete(type);
}

// Writes a struct that is not defined, instead of a type without objects in C.
void CDeclarations::write_incomplete(const TypeRecord& type) {
    out_.write("struct type_");
    out_.number(type.id);
    out_.write(" /* ");
    out_.write(kind_text(type.kind()).view());
    out_.write(" ");
    out_.comment(names_.own(type.id));
    out_.write(" */");
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
                is_standard(dialect_) ? write_number(type) : out_.write(names_.own(id));
                break;
            case Kind::Struct:
            case Kind::Union:
                write_modifiers(chain);
                names_.has_name(id) || style_ == Style::cast ? forward(id) : define_struct(id, level);
                break;
            case Kind::Enum:
            case Kind::Enum64:
                write_modifiers(chain);
                if (is_standard(dialect_) && !layouts_.is_definable(type)) {
                    write_enum_as_integer(type);
                } else if (names_.has_name(id) || style_ == Style::cast) {
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
                out_.write(is_standard(dialect_) && is_builtin(id) ? names_.own(id) : names_.identifier(id));
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
                if (is_standard(dialect_) && is_incomplete_array(type)) {
                    write_instead(type, chain);
                    break;
                }
                return write_array(type, chain, name, after_pointer, level);
            case Kind::FuncProto:
                return write_prototype(type, chain, name, after_pointer, level);
            default:  // C has no declaration for this kind
                if (!is_standard(dialect_)) {
                    return;
                }
                write_instead(type, chain);
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
            const std::string_view name_of_parameter = names_.string(offset);
            declare(type, name_of_parameter.empty() ? name_of_parameter : names_.legal(name_of_parameter),
                    level);
        }
    }
    out_.write(")");
}

}  // namespace btfmmap
