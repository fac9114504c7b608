#include "core/dump/c_writer.hpp"

#include <algorithm>
#include <utility>

#include "core/base/error.hpp"
#include "core/format/kind_text.hpp"
#include "core/index/rows_of_kind.hpp"

namespace btfmmap {

namespace {

using std::uint32_t;

}  // namespace

CWriter::CWriter(const Btf& btf, const Sizes& sizes, CLimits& limits, Output& output, CDialect dialect)
    : btf_(btf),
      limits_(limits),
      out_(limits, output),
      names_(btf, limits, CNames::Conflicts::numbered, dialect),
      declarations_(btf, sizes, names_, limits, output, dialect),
      dialect_(dialect),
      states_(btf.index().end_id()) {
    states_[0].order = Order::done;
    states_[0].emitted = Emitted::yes;
    reject_unknown_kinds();
    mark_referenced();
}

void CWriter::reject_unknown_kinds() const {
    for (uint32_t id = 1; id != btf_.index().end_id(); ++id) {
        const Kind kind = btf_.index().kind_of(id);
        if (!shape_of(kind).known) {
            throw Error::not_supported("type [" + std::to_string(id) + "] is of the unknown kind " +
                                       std::to_string(static_cast<unsigned>(kind)) +
                                       ", which C cannot express" +
                                       upcoming_kind_hint(static_cast<std::uint8_t>(kind)));
        }
    }
}

// Marks the types that others refer to. An anonymous enum that is referred to is written where it is used;
// otherwise it is written at the top level, for its constants. As in libbpf, a prototype's return type does
// not count.
void CWriter::mark_referenced() {
    for (const Btf* each = &btf_; each != nullptr; each = each->base().get()) {
        const Index& index = each->index();
        const auto mark = [&](const std::byte* type) {
            const uint32_t id = index.load(type);
            states_[id < index.end_id() ? id : 0].referenced = true;
        };
        const auto mark_elements = [&](std::size_t size, std::size_t field) {
            return [=, &index](uint32_t row) {
                const std::byte* end = index.record(row + 1);
                for (const std::byte* at = index.record(row) + kHeadSize; at != end; at += size) {
                    mark(at + field);
                }
            };
        };
        RowsOfKind<Kind::Ptr, Kind::Typedef, Kind::Volatile, Kind::Const, Kind::Restrict, Kind::TypeTag,
                   Kind::Func, Kind::Var, Kind::DeclTag>(index)
            .each([&](uint32_t row) { mark(index.record(row) + HeadField::size_or_type); });
        RowsOfKind<Kind::Array>(index).each([&](uint32_t row) {
            mark(index.record(row) + kHeadSize + ArrayField::type);
            mark(index.record(row) + kHeadSize + ArrayField::index_type);
        });
        RowsOfKind<Kind::Struct, Kind::Union>(index).each(
            mark_elements(shape_of(Kind::Struct).element, MemberField::type));
        RowsOfKind<Kind::FuncProto>(index).each(
            mark_elements(shape_of(Kind::FuncProto).element, ParamField::type));
        RowsOfKind<Kind::Datasec>(index).each(
            mark_elements(shape_of(Kind::Datasec).element, SecinfoField::type));
    }
}

void CWriter::write(uint32_t id) {
    queue_.clear();
    enqueue(id, false);
    for (std::size_t i = 0; i != queue_.size(); ++i) {
        emit(queue_[i], 0);
    }
}

// -- the order of definitions

// Queues the definitions that a type needs, in an order that is valid in C. Returns whether the type itself
// must be defined before its use. A pointer to a named type may only need a forward declaration.
bool CWriter::enqueue(uint32_t id, bool through_pointer) {
    const CLimits::Depth deeper(limits_, id);
    State& state = states_[id];
    if (state.order == Order::done) {
        return true;
    }
    const TypeRecord type = record(id);
    const Kind kind = type.kind();
    if (state.order == Order::in_progress) {
        if (is_composite(kind) && through_pointer && names_.has_name(id)) {
            return false;
        }
        throw Error::format("type [" + std::to_string(id) + "] holds itself, which C cannot express", {}, id);
    }
    switch (kind) {
        case Kind::Int:
        case Kind::Float:
            state.order = Order::done;
            return false;
        case Kind::Ptr: {
            const bool needed = enqueue(type.target(), true);
            state.order = Order::done;
            return needed;
        }
        case Kind::Array:
            return enqueue(type.target(), false);
        case Kind::Struct:
        case Kind::Union: {
            if (through_pointer && names_.has_name(id)) {
                return false;
            }
            state.order = Order::in_progress;
            const uint32_t count = type.elements();
            for (uint32_t i = 0; i != count; ++i) {
                enqueue(type.element_type(i, MemberField::type), false);
            }
            if (names_.has_name(id)) {
                queue_.push_back(id);
            }
            state.order = Order::done;
            return true;
        }
        case Kind::Enum:
        case Kind::Enum64:
        case Kind::Fwd:
            if (names_.has_name(id) || !state.referenced) {
                queue_.push_back(id);
            }
            state.order = Order::done;
            return true;
        case Kind::Typedef:
            if (!enqueue(type.target(), through_pointer) && through_pointer) {
                return false;
            }
            queue_.push_back(id);
            state.order = Order::done;
            return true;
        case Kind::Volatile:
        case Kind::Const:
        case Kind::Restrict:
        case Kind::TypeTag:
            return enqueue(type.target(), through_pointer);
        case Kind::FuncProto: {
            bool needed = enqueue(type.target(), through_pointer);
            const uint32_t count = type.elements();
            for (uint32_t i = 0; i != count; ++i) {
                needed |= enqueue(type.element_type(i, ParamField::type), through_pointer);
            }
            return needed;
        }
        default:
            state.order = Order::done;
            return false;
    }
}

// -- definitions and forward declarations

// Writes what must precede the use of a type inside `container`. If `container` is 0, also writes the type.
void CWriter::emit(uint32_t id, uint32_t container) {
    const CLimits::Depth deeper(limits_, id);
    State& state = states_[id];
    if (state.emitted == Emitted::yes) {
        return;
    }
    const TypeRecord type = record(id);
    const Kind kind = type.kind();
    if (state.emitted == Emitted::in_progress) {
        if (!state.forward_declared) {
            emit_reference(id, container);
        }
        return;
    }
    switch (kind) {
        case Kind::Int:
            if (!is_standard(dialect_)) {
                define_missing_alias(id);
            }
            state.emitted = Emitted::yes;
            return;
        case Kind::Enum:
        case Kind::Enum64:
            if (container == 0) {
                define_enum(id);
            }
            state.emitted = Emitted::yes;
            return;
        case Kind::Ptr:
        case Kind::Volatile:
        case Kind::Const:
        case Kind::Restrict:
        case Kind::TypeTag:
        case Kind::Array:
            return emit(type.target(), container);
        case Kind::Fwd:
            declarations_.forward(id);
            out_.write(";\n\n");
            state.emitted = Emitted::yes;
            return;
        case Kind::Typedef:
            state.emitted = Emitted::in_progress;
            emit(type.target(), id);
            if (!state.forward_declared && !declarations_.is_builtin(id)) {
                declarations_.define_typedef(id);
                out_.write(";\n\n");
            }
            state.emitted = Emitted::yes;
            return;
        case Kind::Struct:
        case Kind::Union:
            return emit_struct(id, container);
        case Kind::FuncProto: {
            emit(type.target(), container);
            const uint32_t count = type.elements();
            for (uint32_t i = 0; i != count; ++i) {
                emit(type.element_type(i, ParamField::type), container);
            }
            return;
        }
        default:
            return;
    }
}

// Writes an enum. In a standard dialect, leaves it out if its values are keywords or if C cannot define it.
void CWriter::define_enum(uint32_t id) {
    if (declarations_.is_builtin(id)) {
        out_.write("/* left out: an enum of false and true, which are keywords */\n\n");
    } else if (is_standard(dialect_) && !declarations_.is_definable(id)) {
        out_.write("/* left out: enum ");
        out_.comment(names_.own(id));
        out_.write(record(id).elements() == 0 ? ", which has no values"
                                              : ", whose values C cannot give its size");
        out_.write("; an integer is used instead */\n\n");
    } else {
        declarations_.define_enum(id);
        out_.write(";\n\n");
    }
}

// Forward-declares a type that is being written and is used inside itself.
void CWriter::emit_reference(uint32_t id, uint32_t container) {
    const Kind kind = record(id).kind();
    if (is_composite(kind)) {
        if (id == container || !names_.has_name(id)) {
            return;
        }
        declarations_.forward(id);
        out_.write(";\n\n");
        states_[id].forward_declared = true;
    } else if (kind == Kind::Typedef) {
        if (!declarations_.is_builtin(id)) {
            declarations_.define_typedef(id);
            out_.write(";\n\n");
        }
        states_[id].forward_declared = true;
    }
}

void CWriter::emit_struct(uint32_t id, uint32_t container) {
    State& state = states_[id];
    state.emitted = Emitted::in_progress;
    if (container == 0 || !names_.has_name(id)) {
        const TypeRecord type = record(id);
        const uint32_t count = type.elements();
        for (uint32_t i = 0; i != count; ++i) {
            emit(type.element_type(i, MemberField::type), names_.has_name(id) ? id : container);
        }
    } else if (!state.forward_declared && id != container) {
        declarations_.forward(id);
        out_.write(";\n\n");
        state.forward_declared = true;
    }
    if (container == 0) {
        declarations_.define_struct(id);
        out_.write(";\n\n");
        state.emitted = Emitted::yes;
    } else {
        state.emitted = Emitted::no;
    }
}

// Defines a type that GCC for arm64 uses without a definition.
void CWriter::define_missing_alias(uint32_t id) {
    constexpr std::pair<std::string_view, std::string_view> aliases[] = {
        {"__Poly8_t", "unsigned char"},
        {"__Poly16_t", "unsigned short"},
        {"__Poly64_t", "unsigned long long"},
        {"__Poly128_t", "unsigned __int128"},
    };
    const std::string_view name = names_.tag(id);
    for (const auto& [alias, type] : aliases) {
        if (name == alias) {
            out_.write("typedef ");
            out_.write(type);
            out_.write(" ");
            out_.write(name);
            out_.write(";\n\n");
        }
    }
}

}  // namespace btfmmap
