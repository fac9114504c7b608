#include "core/pahole/type_speller.hpp"

#include <algorithm>
#include <cstring>

#include "core/btf/record.hpp"

namespace btfmmap {

namespace {

using std::uint32_t;

std::string_view qualifier(Kind kind) {
    return kind == Kind::Const ? "const " : kind == Kind::Volatile ? "volatile " : "restrict ";
}

// Whether nothing of a modifier is written behind the type.
bool is_prefix(Kind kind) { return kind == Kind::Const || kind == Kind::Volatile || kind == Kind::TypeTag; }

// Whether C writes a part of the type behind the name.
bool has_declarator(Kind kind) { return kind == Kind::Array || kind == Kind::FuncProto; }

}  // namespace

std::string_view keyword_of(Kind kind) {
    switch (kind) {
        case Kind::Struct:
            return "struct ";
        case Kind::Union:
            return "union ";
        case Kind::Enum:
        case Kind::Enum64:
            return "enum ";
        default:
            return {};
    }
}

void TypeSpeller::type(uint32_t type_id) {
    start_ = text_.characters();
    push(type_item(type_id, 0));
    write_stack();
}

void TypeSpeller::function(uint32_t prototype, std::string_view name, bool pointer, std::size_t width) {
    type(TypeRecord(btf_, prototype).target());
    const std::size_t padding = width - std::min(width, length());
    text_.fill(' ', padding);
    start_ += padding;
    push_parameters(prototype, name, pointer, 0);
    write_stack();
}

std::string_view TypeSpeller::name_at(uint32_t offset) {
    const Bytes bytes = btf_.strings().checked_rest(offset);
    const auto* start = reinterpret_cast<const char*>(bytes.data);
    const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size, text_.remaining() + 1));
    const std::string_view name(start, ::strnlen(start, most));
    text_.spend(name.size());
    return name;
}

uint32_t TypeSpeller::untagged(uint32_t type_id) const {
    for (unsigned step = 0; step != kMaxDepth; ++step) {
        const TypeRecord type(btf_, type_id);
        if (type.kind() != Kind::TypeTag) {
            break;
        }
        type_id = type.target();
    }
    return type_id;
}

void TypeSpeller::push_parameters(uint32_t prototype, std::string_view name, bool pointer, unsigned depth) {
    push(text_item(pointer ? " (*" : " "), name_item(name), text_item(pointer ? ")(" : "("),
         Item{Item::Tag::parameters, depth + 1, prototype, 0, {}}, text_item(")"));
}

void TypeSpeller::push_function(uint32_t prototype, std::string_view name, bool pointer, unsigned depth) {
    push_parameters(prototype, name, pointer, depth);
    push(type_item(TypeRecord(btf_, prototype).target(), depth + 1));
}

void TypeSpeller::push_pointer(uint32_t target, unsigned depth, Item::Tag tag) {
    target = untagged(target);
    const TypeRecord type(btf_, target);
    if (type.kind() == Kind::FuncProto) {
        push_function(target, {}, true, depth + 1);
        return;
    }
    if (type.kind() == Kind::Const) {
        const uint32_t inner = type.target();
        if (btf_.index().kind_of(inner) == Kind::Ptr) {
            push(Item{tag, depth + 1, inner, 0, {}}, text_item(" const *"));
            return;
        }
    }
    push(Item{tag, depth + 1, target, 0, {}}, text_item(" *"));
}

// Whether a type is an array or a prototype, or pointers and qualifiers lead to one.
bool TypeSpeller::leads_to_declarator(uint32_t type_id) {
    for (unsigned step = 0; step != kMaxDepth; ++step) {
        const TypeRecord type(btf_, type_id);
        text_.spend(1);
        if (type.kind() != Kind::Ptr && !is_modifier(type.kind())) {
            return has_declarator(type.kind());
        }
        type_id = type.target();
    }
    return false;
}

// Pushes a type from which pointers and qualifiers lead to an array or a prototype. In C, the name is inside
// the type: "int (*const name)[4]". The texts before the name are found from the name outwards, so that they
// are written in reverse order.
void TypeSpeller::push_declarator(uint32_t type_id, std::string_view name, unsigned depth) {
    before_.clear();
    after_.clear();
    qualifiers_.clear();
    Kind previous = Kind::Void;  // except modifiers
    for (bool leads = true; depth <= kMaxDepth && (leads || leads_to_declarator(type_id)); ++depth) {
        const TypeRecord type(btf_, type_id);
        const Kind kind = type.kind();
        leads = !has_declarator(kind);
        if (kind == Kind::Ptr) {
            push_qualifiers(name.empty());
            before_.push_back(text_item("*"));
        } else if (has_declarator(kind)) {
            if (previous == Kind::Ptr) {
                before_.push_back(text_item("("));
                after_.push_back(text_item(")"));
            }
            if (kind == Kind::Array) {
                after_.push_back({Item::Tag::dimension, 0, type.word(kHeadSize + ArrayField::nelems), 0, {}});
            } else {
                after_.push_back(text_item("("));
                after_.push_back({Item::Tag::parameters, 0, type_id, 0, {}});
                after_.push_back(text_item(")"));
            }
        } else if (kind != Kind::TypeTag) {
            qualifiers_.push_back(qualifier(kind));
        }
        previous = is_modifier(kind) ? previous : kind;
        type_id = type.target();
    }
    // Parameters count as nested in the whole declarator, which bounds the text of functions that return
    // functions.
    for (Item& item : after_) {
        item.depth = depth;
    }
    // Qualifiers of the elements or of the result. Not left to write_type(), which writes a space after the
    // type.
    for (; depth <= kMaxDepth && is_prefix(btf_.index().kind_of(type_id)); ++depth) {
        const TypeRecord type(btf_, type_id);
        if (type.kind() != Kind::TypeTag) {
            qualifiers_.push_back(qualifier(type.kind()));
        }
        type_id = type.target();
    }
    for (const std::string_view word : qualifiers_) {
        text_.write(word);
    }
    stack_.insert(stack_.end(), after_.rbegin(), after_.rend());
    push(name_item(name));
    stack_.insert(stack_.end(), before_.begin(), before_.end());
    const bool spaced = !name.empty() || previous == Kind::FuncProto ||
                        (!before_.empty() && btf_.index().kind_of(type_id) != Kind::Ptr);
    push(Item{Item::Tag::element_type, depth, type_id, 0, {}}, text_item(spaced ? " " : ""));
}

// Moves the qualifiers of a pointer, or of arrays of it, before the name. `unnamed` tells that the declarator
// has no name.
void TypeSpeller::push_qualifiers(bool unnamed) {
    for (std::string_view word : qualifiers_) {
        if (before_.empty() && unnamed) {
            word.remove_suffix(1);
        }
        before_.push_back(text_item(word));
    }
    qualifiers_.clear();
}

void TypeSpeller::write_stack() {
    while (!stack_.empty()) {
        const Item item = stack_.back();
        stack_.pop_back();
        switch (item.tag) {
            case Item::Tag::text:
                text_.write(item.text);
                break;
            case Item::Tag::name:
                text_.write_measured(item.text);
                break;
            case Item::Tag::dimension:
                text_.write("[");
                text_.number(item.id);
                text_.write("]");
                break;
            case Item::Tag::parameters:
                write_next_parameter(item);
                break;
            case Item::Tag::type:
            case Item::Tag::element_type:
                text_.spend(1);
                write_type(item);
                break;
        }
    }
}

void TypeSpeller::write_type(const Item& item) {
    const Kind kind = btf_.index().kind_of(item.id);
    if (kind == Kind::Void) {
        text_.write("void");
        return;
    }
    if (item.depth > kMaxDepth || length() > kMaxText) {
        text_.write("...");
        return;
    }
    const TypeRecord type(btf_, item.id);
    const unsigned depth = item.depth + 1;
    Item::Tag tag = item.tag;
    if (style_ == Style::c && tag == Item::Tag::type &&
        (has_declarator(kind) || kind == Kind::Ptr || is_modifier(kind))) {
        if (leads_to_declarator(item.id)) {
            push_declarator(item.id, {}, item.depth);
            return;
        }
        tag = Item::Tag::element_type;
    }
    switch (kind) {
        case Kind::Ptr:
            push_pointer(type.target(), item.depth, tag);
            break;
        case Kind::Const:
        case Kind::Volatile:
            text_.write(qualifier(kind));
            push(Item{tag, depth, type.target(), 0, {}}, text_item(" "));
            break;
        case Kind::Restrict:
            push(Item{tag, depth, type.target(), 0, {}}, text_item(" restrict "));
            break;
        case Kind::TypeTag:
        case Kind::Array:
            push(Item{tag, depth, type.target(), 0, {}});
            break;
        case Kind::Fwd:
            text_.write(type.flag() ? "union " : "struct ");
            text_.write_measured(name_at(type.index->name_off(type.row)));
            break;
        case Kind::FuncProto:
            push_function(item.id, {}, false, depth);
            break;
        default: {
            const std::string_view name = name_at(type.index->name_off(type.row));
            text_.write(keyword_of(kind));
            text_.write_measured(name.empty() ? "{...}" : name);
        }
    }
}

// Writes the next parameter, and pushes those after it.
void TypeSpeller::write_next_parameter(Item parameters) {
    const TypeRecord prototype(btf_, parameters.id);
    const uint32_t number = parameters.next;
    if (number == prototype.elements()) {
        text_.write(number == 0 ? "void" : "");
        return;
    }
    text_.write(number == 0 ? "" : ", ");
    if (length() > kMaxText) {
        text_.write("...");
        return;
    }
    ++parameters.next;
    push(parameters);
    const uint32_t type_id = prototype.element_type(number, ParamField::type);
    const std::string_view name = name_at(prototype.load(prototype.element(number) + ParamField::name_off));
    const TypeRecord type(btf_, type_id);
    const uint32_t target = type.kind() == Kind::Ptr ? type.target() : 0;
    if (type.kind() == Kind::Void && name.empty()) {
        text_.write("...");
    } else if (style_ == Style::c && leads_to_declarator(type_id)) {
        push_declarator(type_id, name, parameters.depth);
    } else if (is_prototype(target)) {
        if (parameters.depth > kMaxDepth) {
            text_.write("...");
        } else {
            push_function(target, name, true, parameters.depth);
        }
    } else {
        push(type_item(type_id, parameters.depth), text_item(name.empty() ? "" : " "), name_item(name));
    }
}

}  // namespace btfmmap
