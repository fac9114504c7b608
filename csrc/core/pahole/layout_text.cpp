#include "core/pahole/layout_text.hpp"

#include <algorithm>
#include <deque>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/error.hpp"
#include "core/btf/record.hpp"
#include "core/dump/c_limits.hpp"
#include "core/index/enums.hpp"
#include "core/pahole/layout_comments.hpp"
#include "core/pahole/struct_members.hpp"
#include "core/pahole/type_speller.hpp"
#include "core/text/measured_text.hpp"

namespace btfmmap {

namespace {

using std::int64_t;
using std::size_t;
using std::uint32_t;
using std::uint64_t;

constexpr uint32_t kMaxMembers = 1 << 16;
// The maximum size of a member's lines, without names: they have up to 64 tabs each.
constexpr uint64_t kMaxMemberText = 1 << 10;
constexpr unsigned kMaxDepth = 64;  // of nested structs
constexpr int kTypeWidth = 26;
constexpr uint32_t kIntSize = 4;
constexpr std::string_view kPacked = " __attribute__((__packed__))";

// Where a struct's members are written.
struct Column {
    unsigned indent;  // in tabs
    int width;        // of types; negative if deeply nested
    // Added to the offsets of members. Absent in a struct that is written as the target of a pointer: its
    // offsets start at 0.
    std::optional<uint64_t> base;
};

// The name that is declared with a type.
struct Declarator {
    std::string_view name;
    bool pointer = false;

    bool empty() const { return name.empty() && !pointer; }
};

// What pahole remembers of the previous member.
struct Previous {
    uint32_t size = 0, offset = 0;
    bool is_bitfield = false;

    void advance(const StructMember& member) {
        const bool bitfield = member.bitfield_size != 0;
        if (size == 0 || offset != member.at.offset || (!is_bitfield && bitfield)) {
            size = member.at.size;
        }
        offset = member.at.offset;
        is_bitfield = bitfield;
    }
};

// A struct or union that is being written.
struct Level {
    // What is done next.
    enum class Phase : std::uint8_t {
        start_member,   // or the end of the struct, if there is no member left
        finish_filler,  // its type was written
        finish_member,  // its type was written
    };

    const BtfSizes* owner;
    TypeRecord type;
    Column column;
    Declarator declarator;
    StructMembers found;
    std::vector<uint64_t> previous_lines;
    uint64_t cacheline;  // of the members before the struct

    Phase phase = Phase::start_member;
    uint32_t number = 0;  // of the member being written
    Previous previous = {};
    MemberComments comments = {0, found.hole_at_start};
    InnerPadding inner = {};
    bool commented = false;                 // comments precede the member
    size_t member_start = 0;                // number of characters before it
    std::vector<uint32_t> dimensions = {};  // to be written behind its type

    bool is_union() const { return type.kind() == Kind::Union; }
    const StructMember& member() const { return found.members[number]; }
    // Whether an array of zero elements is written [] rather than [0], if no union is around it.
    bool ends_with_member() const {
        return number + 1 == found.members.size() && number != 0 && number == found.last();
    }
    // Whether the previous member matters for the place of the member.
    bool follows_previous() const {
        const bool ascends = number != 0 && member().bit_offset >= found.members[number - 1].bit_offset;
        return !is_union() && previous.size != 0 && (ascends || found.by_offset.empty());
    }
};

class LayoutWriter {
public:
    LayoutWriter(const BtfSizes& sizes, bool expand, MeasuredText& text)
        : sizes_(sizes),
          btf_(sizes.btf()),
          expand_(expand),
          text_(text),
          speller_(btf_, text, TypeSpeller::Style::pahole) {}

    void write(uint32_t type_id) {
        const bool is_union = btf_.index().kind_of(type_id) == Kind::Union;
        name_width_ = expand_ ? 55 : is_union ? 21 : 23;
        open(type_id, {1, kTypeWidth, 0}, {});
        while (!levels_.empty()) {
            advance(levels_.back());
        }
        text_.write(";\n");
    }

private:
    Kind kind_of(uint32_t type_id) const { return btf_.index().kind_of(type_id); }
    bool is_anonymous(const TypeRecord& type) const {
        const uint32_t name_off = type.index->name_off(type.row);
        return btf_.strings().checked_rest(name_off).data[0] == std::byte{0};
    }

    void write_name(uint32_t offset) { text_.write_measured(speller_.name_at(offset)); }
    void write_name_of(const TypeRecord& type) { write_name(type.index->name_off(type.row)); }
    void write_declarator(const Declarator& declarator) {
        text_.write(declarator.pointer ? "* " : "");
        text_.write_measured(declarator.name);
    }

    void open(uint32_t type_id, const Column& column, const Declarator& declarator);
    void advance(Level& level);
    void close(Level& level);
    void start_member(Level& level);
    void finish_filler(Level& level);
    void declare_member(Level& level);
    void finish_member(Level& level);
    bool write_combined(const StructMember& member, const Previous& previous, bool commented,
                        unsigned indent);
    void write_cacheline(uint64_t start, unsigned indent);
    void write_declared(Level& level, uint32_t type_id, Declarator declarator, Column column);
    void write_dimensions(Level& level, bool flexible);
    uint32_t write_aliases(uint32_t type_id);
    void write_type(uint32_t type_id, std::string_view name, int width);
    void write_enumeration(const TypeRecord& type, const Declarator& declarator, unsigned indent);
    void write_aligned(uint64_t alignment);
    void write_packed(bool packed) { text_.write(packed ? kPacked : ""); }

    bool opens(uint32_t type_id) const;
    uint32_t prototype_of(uint32_t type_id) const;

    const BtfSizes& sizes_;
    const Btf& btf_;
    bool expand_;
    MeasuredText& text_;
    TypeSpeller speller_;
    size_t name_width_ = 0;
    uint64_t cacheline_ = 0;
    uint64_t written_ = 0;      // number of members
    std::deque<Level> levels_;  // outermost first
    unsigned open_unions_ = 0;  // number of unions among them
};

// Starts a struct or union, from the keyword to the opening brace.
void LayoutWriter::open(uint32_t type_id, const Column& column, const Declarator& declarator) {
    const BtfSizes& owner = sizes_.owner(type_id);
    const TypeRecord type(btf_, type_id);
    written_ += type.elements();
    if (written_ > kMaxMembers) {
        throw Error::format("more than 65,536 members, reached in type [" + std::to_string(type_id) + "]", {},
                            type_id);
    }
    StructMembers found = struct_members(owner, type_id);
    std::vector<uint64_t> lines = found.previous_lines(column.base.value_or(0));
    levels_.push_back({&owner, type, column, declarator, std::move(found), std::move(lines), cacheline_});
    open_unions_ += type.kind() == Kind::Union;
    text_.write(type.kind() == Kind::Union ? "union" : "struct");
    text_.write(is_anonymous(type) ? "" : " ");
    write_name_of(type);
    text_.write(" {");
}

void LayoutWriter::advance(Level& level) {
    switch (level.phase) {
        case Level::Phase::start_member:
            if (level.number == level.found.members.size()) {
                close(level);
            } else {
                start_member(level);
            }
            break;
        case Level::Phase::finish_filler:
            finish_filler(level);
            break;
        case Level::Phase::finish_member:
            finish_member(level);
            break;
    }
}

// Ends a struct or union: the comments after its members, the closing brace, the declarator and the
// attributes.
void LayoutWriter::close(Level& level) {
    const unsigned indent = level.column.indent;
    const LayoutRow row = layout_row(level.owner->layouts(), level.type.id);
    const bool distilled = level.owner->btf().distilled();
    level.comments.write(text_, indent);
    if (distilled) {
        text_.write("\n");
        start_line(text_, indent);
        text_.write("/* size: ");
        text_.number(row.size);
        text_.write(", a distilled base: no members recorded */");
    } else if (levels_.size() == 1 && !level.is_union()) {
        write_totals(text_, indent, row, level.found, level.inner);
    }
    start_line(text_, indent - 1);
    text_.write("}");
    write_packed(row.packed);
    if (!level.declarator.empty()) {
        text_.write(" ");
        write_declarator(level.declarator);
    }
    if (!distilled && !row.packed && !level.is_union()) {
        write_aligned(level.found.alignment);
    }
    open_unions_ -= level.is_union();
    levels_.pop_back();
}

// Writes what precedes a member. Before a bitfield, this may be the unnamed bitfield that creates a bit hole.
// Its size is 0 if the member starts the next storage unit.
void LayoutWriter::start_member(Level& level) {
    const StructMember& member = level.member();
    level.comments.write(text_, level.column.indent);
    level.commented = !level.comments.empty();
    if (!level.found.by_offset.empty()) {
        cacheline_ = level.previous_lines[level.number];
    }
    if (!level.follows_previous() || member.at.bit_hole == 0 || member.bitfield_size == 0 ||
        member.at.follows != level.number - 1) {
        declare_member(level);
        return;
    }
    if (level.previous.offset != member.at.offset) {
        text_.write("\n");
        start_line(text_, level.column.indent);
        text_.write("/* Force alignment to the next boundary: */");
    }
    start_line(text_, level.column.indent);
    level.phase = Level::Phase::finish_filler;
    write_declared(level, member.type, {}, level.column);
}

void LayoutWriter::finish_filler(Level& level) {
    const StructMember& member = level.member();
    write_dimensions(level, false);
    text_.write(":");
    text_.number(level.previous.offset == member.at.offset ? member.at.bit_hole : 0);
    text_.write(";");
    declare_member(level);
}

// Writes a member's type and what is declared with it.
void LayoutWriter::declare_member(Level& level) {
    const StructMember& member = level.member();
    const unsigned indent = level.column.indent;
    if (level.follows_previous()) {
        level.commented |= write_combined(member, level.previous, level.commented, indent);
    }
    text_.write(level.commented ? "\n" : "");
    Column within = level.column;
    if (within.base) {
        *within.base += member.at.offset;
    }
    write_cacheline(member.at.offset + level.column.base.value_or(0), indent);
    start_line(text_, indent);
    level.member_start = text_.characters();
    level.phase = Level::Phase::finish_member;
    // The name of a member that has a struct as its type follows the attributes of that struct. If the type
    // is a typedef or an array of a struct, the name precedes the attributes.
    const bool name_last = opens(member.type);
    const Declarator declarator{name_last ? std::string_view() : speller_.name_at(member.name_off)};
    write_declared(level, member.type, declarator, within);
}

// Writes a comment if a bitfield shares its storage unit with other members. Returns whether it does.
// `commented`: other comments precede it.
bool LayoutWriter::write_combined(const StructMember& member, const Previous& previous, bool commented,
                                  unsigned indent) {
    const uint32_t offset = member.at.offset;
    const bool enters_bits = offset == previous.offset && !previous.is_bitfield && member.bitfield_size != 0;
    const bool with_previous = offset < previous.offset || enters_bits;
    if (!with_previous && (offset == previous.offset || offset - previous.offset >= previous.size)) {
        return false;
    }
    text_.write(commented ? "" : "\n");
    start_line(text_, indent);
    text_.write(with_previous ? "/* Bitfield combined with previous fields */"
                              : "/* Bitfield combined with next fields */");
    return true;
}

// Writes what follows a member's type, with its offset and size.
void LayoutWriter::finish_member(Level& level) {
    const StructMember& member = level.member();
    const TypeRecord type(btf_, member.type);
    const std::string_view name = speller_.name_at(member.name_off);
    const bool unnamed = (is_composite(type.kind()) || is_enum(type.kind())) && is_anonymous(type);
    write_dimensions(level, open_unions_ == 0 && level.ends_with_member());
    if (opens(member.type)) {
        text_.write(unnamed && !name.empty() ? " " : "");
        text_.write_measured(name);
    }
    if (member.bitfield_size != 0) {
        text_.write(":");
        text_.number(member.bitfield_size);
    }
    const size_t before_attribute = text_.characters();
    write_aligned(member.alignment);
    const size_t attribute = text_.characters() - before_attribute;
    text_.write(";");
    int64_t space = level.column.width + static_cast<int64_t>(name_width_);
    LayoutRow row{};
    if (type.kind() == Kind::Struct) {
        row = layout_row(sizes_.owner(member.type).layouts(), member.type);
    }
    if (unnamed) {
        const auto length = static_cast<int64_t>(count_characters(name));
        space -= static_cast<int64_t>(attribute) + (name.empty() ? -1 : length);
        space -= row.packed ? static_cast<int64_t>(kPacked.size()) : 0;
        space = std::abs(space - 3);
    } else {
        space -= static_cast<int64_t>(text_.characters() - level.member_start);
    }
    text_.fill(' ', static_cast<uint64_t>(std::max<int64_t>(1, space)));
    text_.write("/* ");
    text_.aligned_number(static_cast<int64_t>(member.at.offset + level.column.base.value_or(0)), 5);
    if (member.bitfield_size != 0) {
        text_.write(":");
        text_.aligned_number(int64_t{member.bit_offset} - 8 * int64_t{member.at.offset}, 2);
    }
    text_.write(" ");
    text_.aligned_number(member.at.size, member.bitfield_size != 0 ? 2 : 5);
    text_.write(" */");
    level.comments = {};
    if (level.is_union()) {
        cacheline_ = level.cacheline;
    } else {
        level.comments = {row.padding, member.hole_after};
        level.inner.count += row.padding != 0;
        level.inner.bytes += row.padding;
        level.previous.advance(member);
    }
    ++level.number;
    level.phase = Level::Phase::start_member;
}

// Writes a comment if `start` is in a cache line after that of the previous members.
void LayoutWriter::write_cacheline(uint64_t start, unsigned indent) {
    if (start / kCacheLine <= cacheline_) {
        return;
    }
    cacheline_ = start / kCacheLine;
    start_line(text_, indent);
    text_.write("/* --- cacheline ");
    text_.number(cacheline_);
    text_.write(" boundary (");
    text_.number(cacheline_ * kCacheLine);
    text_.write(" bytes)");
    if (const uint64_t past = start % kCacheLine; past != 0) {
        text_.write(" was ");
        write_count(text_, past, "byte");
        text_.write(" ago");
    }
    text_.write(" --- */");
}

// Writes a type and what is declared with it, or opens its definition. The type is padded to the column's
// width. Stores the dimensions of arrays, which follow.
void LayoutWriter::write_declared(Level& level, uint32_t type_id, Declarator declarator, Column column) {
    std::vector<uint32_t>& dimensions = level.dimensions;
    dimensions.clear();
    bool comments_aliases = expand_;
    for (unsigned step = 0; step != kMaxDepth; ++step) {
        text_.spend(1);
        if (comments_aliases && kind_of(type_id) == Kind::Typedef) {
            type_id = write_aliases(type_id);
        }
        const TypeRecord type(btf_, type_id);
        const Kind kind = type.kind();
        if (kind != Kind::Array && !shape_of(kind).head_refers) {
            break;
        }
        uint32_t inner = type.target();
        if (kind == Kind::Array) {
            dimensions.push_back(type.word(kHeadSize + ArrayField::nelems));
            comments_aliases = expand_;
            if (dimensions.back() == 0 && kind_of(inner) == Kind::Const) {
                inner = TypeRecord(btf_, inner).target();  // pahole omits const here
            }
        } else if (kind == Kind::Const) {
            text_.write("const ");
            column.width -= static_cast<int>(std::string_view("const ").size());
            comments_aliases = false;
        } else if (kind == Kind::Ptr && opens(inner) && is_anonymous(TypeRecord(btf_, inner))) {
            declarator.pointer = true;
            column.base.reset();
            column.width -= 8;
        } else if (kind != Kind::TypeTag) {
            break;
        }
        type_id = inner;
    }
    if (!opens(type_id)) {
        write_type(type_id, declarator.name, column.width);
    } else if (is_composite(kind_of(type_id))) {
        open(type_id, {column.indent + 1, column.width - 8, column.base}, declarator);
    } else {
        write_enumeration(TypeRecord(btf_, type_id), declarator, column.indent);
    }
}

void LayoutWriter::write_dimensions(Level& level, bool flexible) {
    for (const uint32_t dimension : level.dimensions) {
        text_.write("[");
        if (dimension != 0 || !flexible) {
            text_.number(dimension);
        }
        text_.write("]");
    }
}

// Writes the names of typedefs in a comment. Returns the type below them.
uint32_t LayoutWriter::write_aliases(uint32_t type_id) {
    text_.write("/* typedef ");
    for (unsigned step = 0; step != kMaxDepth && kind_of(type_id) == Kind::Typedef; ++step) {
        text_.write(step == 0 ? "" : " -> ");
        const TypeRecord alias(btf_, type_id);
        write_name_of(alias);
        type_id = alias.target();
    }
    text_.write(" */ ");
    return type_id;
}

// Writes a type that is not opened, and a name. As in pahole, only the part after the keyword is padded.
void LayoutWriter::write_type(uint32_t type_id, std::string_view name, int width) {
    if (const uint32_t prototype = prototype_of(type_id); prototype != 0) {
        const bool pointer = kind_of(type_id) == Kind::Ptr;
        speller_.function(prototype, name, pointer, static_cast<size_t>(std::abs(width)));
        return;
    }
    const auto keyword = static_cast<int>(keyword_of(kind_of(type_id)).size());
    const auto wanted = static_cast<size_t>(keyword + std::abs(width - keyword));
    const size_t first = text_.characters();
    speller_.type(type_id);
    const size_t length = text_.characters() - first;
    text_.fill(' ', wanted - std::min(wanted, length));
    text_.write(" ");
    text_.write_measured(name);
}

void LayoutWriter::write_enumeration(const TypeRecord& type, const Declarator& declarator, unsigned indent) {
    const Kind kind = type.kind();
    size_t longest = 0;
    type.each_element([&](const std::byte* element) {
        const std::string_view name = speller_.name_at(type.load(element + EnumField::name_off));
        longest = std::max(longest, count_characters(name));
    });
    const bool is_signed = enum_is_signed(*type.index, static_cast<uint32_t>(type.row));
    text_.write("enum {");
    type.each_element([&](const std::byte* element) {
        start_line(text_, indent + 1);
        const size_t first = text_.characters();
        write_name(type.load(element + EnumField::name_off));
        const size_t length = text_.characters() - first;
        text_.fill(' ', longest - std::min(longest, length));
        text_.write(" = ");
        const uint64_t value = enum_value(*type.index, kind, element);
        if (is_signed) {
            text_.signed_number(signed_enum_value(kind, value));
        } else {
            text_.number(value);
        }
        text_.write(",");
    });
    start_line(text_, indent);
    text_.write("}");
    write_packed(type.size_or_type() != kIntSize);
    text_.write(declarator.empty() ? "" : " ");
    write_declarator(declarator);
}

void LayoutWriter::write_aligned(uint64_t alignment) {
    if (alignment != 0) {
        text_.write(" __attribute__((__aligned__(");
        text_.number(alignment);
        text_.write(")))");
    }
}

// Whether the definition of a type is written where the type is used.
bool LayoutWriter::opens(uint32_t type_id) const {
    const Kind kind = kind_of(type_id);
    if (is_enum(kind)) {
        return is_anonymous(TypeRecord(btf_, type_id));
    }
    const auto is_type = [=](const Level& level) { return level.type.id == type_id; };
    return is_composite(kind) && levels_.size() < kMaxDepth &&
           std::none_of(levels_.begin(), levels_.end(), is_type) &&
           (expand_ || is_anonymous(TypeRecord(btf_, type_id)));
}

// Returns the FUNC_PROTO that a type is or points to; 0 for other types.
uint32_t LayoutWriter::prototype_of(uint32_t type_id) const {
    const TypeRecord type(btf_, type_id);
    const uint32_t target = type.kind() == Kind::Ptr ? speller_.untagged(type.target()) : type_id;
    return kind_of(target) == Kind::FuncProto ? target : 0;
}

}  // namespace

std::string layout_text(const BtfSizes& sizes, uint32_t type_id, bool expand) {
    if (type_id >= sizes.btf().index().end_id() || !is_composite(sizes.btf().index().kind_of(type_id))) {
        throw Error::not_found("type [" + std::to_string(type_id) + "] is not a struct or union");
    }
    MeasuredText text(c_text_limit(sizes.btf()) + kMaxMembers * kMaxMemberText);
    LayoutWriter(sizes, expand, text).write(type_id);
    return std::move(text.text());
}

}  // namespace btfmmap
