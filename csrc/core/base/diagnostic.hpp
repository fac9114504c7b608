#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace btfmmap {

enum class Severity : std::uint8_t {
    error,  // the BTF does not open
    note,   // odd, but legal
};

// One thing that lint has to say. What the rules are is said where users read it: python/btfmmap/linting.py.
struct Diagnostic {
    Severity severity;
    const char* rule;
    std::string message;
    std::optional<std::uint64_t> offset;  // byte in the BTF blob
    std::optional<std::uint32_t> type_id;
};

using ReportDiagnostic = std::function<void(Diagnostic&&)>;

}  // namespace btfmmap
