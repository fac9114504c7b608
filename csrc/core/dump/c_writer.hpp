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

// Types as C that compiles, with Fidelity::libbpf identical to what its btf_dump writes: each after what it
// needs, with forward declarations where pointers go round, inline where it has no name, and under another
// name (x___2) where its own is taken.
class CWriter {
public:
    // All outlive the writer. Throws Error (not_supported) for a kind that only a layout section knows.
    CWriter(const Btf& btf, const Sizes& sizes, CLimits& limits, Output& output,
            CDeclarations::Fidelity fidelity);

    // Writes a type with all that it needs and that was not written before. Throws Error: format for types
    // that hold themselves, not_supported for those nested too deeply,
    // and what Fidelity::layout throws.
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

    void define_missing_alias(std::uint32_t id);
    bool is_builtin(std::uint32_t id) const;

    const Btf& btf_;
    CLimits& limits_;
    CText out_;
    CNames names_;
    CDeclarations declarations_;
    std::vector<State> states_;
    std::vector<std::uint32_t> queue_;
};

}  // namespace btfmmap
