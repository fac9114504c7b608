#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/analysis/sizes.hpp"
#include "core/btf/btf.hpp"
#include "core/btf/record.hpp"
#include "core/dump/c_declarations.hpp"
#include "core/dump/c_limits.hpp"
#include "core/dump/c_names.hpp"
#include "core/dump/c_text.hpp"
#include "core/text/output.hpp"

namespace btfmmap {

// Writes types as C that compiles. In the dialect bpftool, the text is identical to that of libbpf's
// btf_dump. Each type follows those that it needs, with forward declarations for cycles through pointers.
// Anonymous types are written inline. If a name is already used, the type gets another one (x___2).
class CWriter {
public:
    // All arguments must outlive the writer. Throws Error (not_supported) for a kind that is known only from
    // a layout section.
    CWriter(const Btf& btf, const Sizes& sizes, CLimits& limits, Output& output, CDialect dialect);

    // Writes a type and those that it needs, unless they were written before. Throws Error: format for a type
    // that contains itself, not_supported for types that are nested too deeply or that the dialect
    // laid_out rejects.
    void write(std::uint32_t id);

    // Writes the declaration of `name` with a type.
    void declare(std::uint32_t id, std::string_view name) { declarations_.declare(id, name); }

private:
    enum class Order : std::uint8_t { unvisited, in_progress, done };
    enum class Emitted : std::uint8_t { no, in_progress, yes };

    struct State {
        Order order = Order::unvisited;
        Emitted emitted = Emitted::no;
        bool forward_declared = false;
        bool referenced = false;
    };

    TypeRecord record(std::uint32_t id) const { return {btf_, id}; }
    void reject_unknown_kinds() const;
    void mark_referenced();

    bool enqueue(std::uint32_t id, bool through_pointer);
    void emit(std::uint32_t id, std::uint32_t container);
    void emit_reference(std::uint32_t id, std::uint32_t container);
    void emit_struct(std::uint32_t id, std::uint32_t container);

    void define_enum(std::uint32_t id);
    void define_missing_alias(std::uint32_t id);

    const Btf& btf_;
    CLimits& limits_;
    CText out_;
    CNames names_;
    CDeclarations declarations_;
    CDialect dialect_;
    std::vector<State> states_;
    std::vector<std::uint32_t> queue_;
};

}  // namespace btfmmap
