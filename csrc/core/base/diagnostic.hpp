#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace btfmmap {

enum class Severity : std::uint8_t {
    error,  // the BTF cannot be opened
    note,   // unusual, but valid
};

// A finding of lint. The rules are documented in python/btfmmap/linting.py.
struct Diagnostic {
    Severity severity;
    const char* rule;
    std::string message;
    std::optional<std::uint64_t> offset;  // in bytes, from the start of the BTF blob
    std::optional<std::uint32_t> type_id;
};

using ReportDiagnostic = std::function<void(Diagnostic&&)>;

}  // namespace btfmmap
