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

// Whether a type is an array, or pointers and qualifiers lead to one.
bool TypeSpeller::leads_to_array(uint32_t type_id) {
    for (unsigned step = 0; step != kMaxDepth; ++step) {
        const TypeRecord type(btf_, type_id);
        text_.spend(1);
        if (type.kind() != Kind::Ptr && !is_modifier(type.kind())) {
            return type.kind() == Kind::Array;
        }
        type_id = type.target();
    }
    return false;
}

// Pushes a type from which pointers and qualifiers lead to an array. In C, the name and the dimensions are
// inside the type: "int (*name)[4]". The texts before the name are found from the name outwards, so that they
// are written in reverse order.
void TypeSpeller::push_array(uint32_t type_id, std::string_view name, unsigned depth) {
    before_.clear();
    after_.clear();
    bool after_pointer = false;
    bool leads = true;
    for (; depth <= kMaxDepth && (leads || leads_to_array(type_id)); ++depth) {
        const TypeRecord type(btf_, type_id);
        leads = type.kind() != Kind::Array;
        if (type.kind() == Kind::Array) {
            if (after_pointer) {
                before_.push_back(text_item("("));
                after_.push_back(text_item(")"));
            }
            after_.push_back({Item::Tag::dimension, 0, type.word(kHeadSize + ArrayField::nelems), 0, {}});
            after_pointer = false;
        } else if (type.kind() == Kind::Ptr) {
            before_.push_back(text_item("*"));
            after_pointer = true;
        } else if (type.kind() != Kind::TypeTag) {
            const std::string_view word = qualifier(type.kind());
            uint32_t below = type.target();
            for (unsigned step = 0; step != kMaxDepth && is_modifier(btf_.index().kind_of(below)); ++step) {
                text_.spend(1);
                below = TypeRecord(btf_, below).target();
            }
            if (btf_.index().kind_of(below) != Kind::Ptr) {
                text_.write(word);  // qualifies the elements
            } else if (before_.empty() && name.empty()) {
                before_.push_back(text_item(word.substr(0, word.size() - 1)));
            } else {
                before_.push_back(text_item(word));
            }
        }
        type_id = type.target();
    }
    // Qualifiers of the elements. Not left to write_type(), which writes a space after the type.
    for (; depth <= kMaxDepth && is_prefix(btf_.index().kind_of(type_id)); ++depth) {
        const TypeRecord type(btf_, type_id);
        text_.write(type.kind() == Kind::TypeTag ? "" : qualifier(type.kind()));
        type_id = type.target();
    }
    const TypeRecord element(btf_, type_id);
    const uint32_t target = element.kind() == Kind::Ptr ? untagged(element.target()) : 0;
    const bool of_functions = is_prototype(target) && depth <= kMaxDepth;
    if (of_functions) {
        push(text_item(")("), Item{Item::Tag::parameters, depth + 2, target, 0, {}}, text_item(")"));
    }
    stack_.insert(stack_.end(), after_.rbegin(), after_.rend());
    push(name_item(name));
    stack_.insert(stack_.end(), before_.begin(), before_.end());
    if (of_functions) {
        push(type_item(TypeRecord(btf_, target).target(), depth + 2), text_item(" (*"));
    } else {
        const bool spaced = !name.empty() || (!before_.empty() && element.kind() != Kind::Ptr);
        push(Item{Item::Tag::element_type, depth, type_id, 0, {}}, text_item(spaced ? " " : ""));
    }
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
    if (arrays_ == Arrays::with_dimensions && tag == Item::Tag::type &&
        (kind == Kind::Array || kind == Kind::Ptr || is_modifier(kind))) {
        if (leads_to_array(item.id)) {
            push_array(item.id, {}, item.depth);
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
    } else if (is_prototype(target)) {
        if (parameters.depth > kMaxDepth) {
            text_.write("...");
        } else {
            push_function(target, name, true, parameters.depth);
        }
    } else if (arrays_ == Arrays::with_dimensions && leads_to_array(type_id)) {
        push_array(type_id, name, parameters.depth);
    } else {
        push(type_item(type_id, parameters.depth), text_item(name.empty() ? "" : " "), name_item(name));
    }
}

}  // namespace btfmmap
