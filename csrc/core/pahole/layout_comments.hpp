#pragma once

#include <cstdint>
#include <string_view>

#include "core/analysis/layout.hpp"
#include "core/pahole/struct_members.hpp"
#include "core/text/measured_text.hpp"

// pahole's comments on holes, cache lines and sizes. Each is on a line of its own.
namespace btfmmap {

// Starts a line, indented by tabs.
void start_line(MeasuredText& text, unsigned indent);
// Writes a number of things, such as "1 byte" or "2 bytes".
void write_count(MeasuredText& text, std::uint64_t count, std::string_view thing);

// The comments after a member: the padding inside of the struct that is its type, and the hole behind it.
struct MemberComments {
    std::uint32_t padding = 0;  // in bytes
    Hole hole;

    bool empty() const { return padding == 0 && hole.bytes == 0 && hole.bits == 0; }
    // Writes an empty line and the comments, if there are any.
    void write(MeasuredText& text, unsigned indent) const;
};

// The padding inside of members that are structs.
struct InnerPadding {
    std::uint64_t count = 0, bytes = 0;
};

// Writes the comments at the end of a struct.
void write_totals(MeasuredText& text, unsigned indent, const LayoutRow& row, const StructMembers& found,
                  const InnerPadding& inner);

}  // namespace btfmmap
