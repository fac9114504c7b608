#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/short_text.hpp"
#include "core/format/wire_format.hpp"

// Names of kinds, encodings and linkages, as bpftool spells them.
namespace btfmmap {

inline const ShortText& kind_text(Kind kind) {
    static constexpr ShortText names[] = {
        "UNKNOWN", "INT",     "PTR",      "ARRAY",    "STRUCT",   "UNION",  "ENUM",
        "FWD",     "TYPEDEF", "VOLATILE", "CONST",    "RESTRICT", "FUNC",   "FUNC_PROTO",
        "VAR",     "DATASEC", "FLOAT",    "DECL_TAG", "TYPE_TAG", "ENUM64",
    };
    const auto number = static_cast<std::size_t>(kind);
    return names[number < sizeof names / sizeof *names ? number : 0];
}

// Returns the kind's name as Python's Kind spells it: "STRUCT", or "UNKNOWN_20" for an unknown kind.
inline std::string kind_name(Kind kind) {
    if (kind == Kind::Void) {
        return "VOID";
    }
    if (!shape_of(kind).known) {
        return "UNKNOWN_" + std::to_string(static_cast<unsigned>(kind));
    }
    return std::string(kind_text(kind).view());
}

// Returns the end of a message about an unknown kind: the name of one that only linux-next has so far. Its
// number may change until a release has it, so these names are in messages only.
inline std::string upcoming_kind_hint(std::uint8_t kind) {
    constexpr std::uint8_t first = 20;
    static constexpr std::string_view names[] = {"LOC_PARAM", "LOC_PROTO", "LOCSEC"};
    if (kind < first || kind - first >= static_cast<int>(sizeof names / sizeof *names)) {
        return "";
    }
    return " (linux-next names it " + std::string(names[kind - first]) + ")";
}

// A number of bytes in messages about positions in bits: "24 bytes (192 bits)".
inline std::string bytes_in_bits(std::uint64_t bytes) {
    return std::to_string(bytes) + " bytes (" + std::to_string(8 * bytes) + " bits)";
}

// Returns UNKN for a combination of bits, as bpftool does.
inline const ShortText& encoding_text(std::uint8_t encoding) {
    static constexpr ShortText names[] = {"(none)", "SIGNED", "CHAR", "UNKN", "BOOL"};
    return names[encoding < sizeof names / sizeof *names ? encoding : 3];
}

inline const ShortText& linkage_text(std::uint32_t linkage) {
    static constexpr ShortText names[] = {"static", "global", "extern", "(unknown)"};
    return names[linkage < 3 ? linkage : 3];
}

}  // namespace btfmmap
