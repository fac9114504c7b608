#include "core/pahole/layout_comments.hpp"

namespace btfmmap {

namespace {

using std::uint64_t;

// Writes a comment of several numbers, which end() completes.
class CommentLine {
public:
    CommentLine(MeasuredText& text, unsigned indent) : text_(text) {
        start_line(text_, indent);
        text_.write("/* ");
    }
    CommentLine& number(std::string_view before, uint64_t value, std::string_view after = {}) {
        text_.write(before);
        text_.number(value);
        text_.write(after);
        return *this;
    }
    void end() { text_.write(" */"); }

private:
    MeasuredText& text_;
};

}  // namespace

void start_line(MeasuredText& text, unsigned indent) {
    text.write("\n");
    text.fill('\t', indent);
}

void write_count(MeasuredText& text, uint64_t count, std::string_view thing) {
    text.number(count);
    text.write(" ");
    text.write(thing);
    text.write(count == 1 ? "" : "s");
}

void MemberComments::write(MeasuredText& text, unsigned indent) const {
    const auto line = [&](std::string_view before, uint64_t count, std::string_view thing,
                          std::string_view after) {
        if (count != 0) {
            start_line(text, indent);
            text.write(before);
            write_count(text, count, thing);
            text.write(after);
        }
    };
    if (!empty()) {
        text.write("\n");
        line("/* XXX last struct has ", padding, "byte", " of padding */");
        line("/* XXX ", hole.bits, "bit", " hole, try to pack */");
        line("/* XXX ", hole.bytes, "byte", " hole, try to pack */");
    }
}

void write_totals(MeasuredText& text, unsigned indent, const LayoutRow& row, const StructMembers& found,
                  const InnerPadding& inner) {
    uint64_t bits = 0, bytes = 0, forced = 0, forced_holes = 0, forced_hole_bytes = 0;
    for (const StructMember& member : found.members) {
        bits += member.bitfield_size;
        bytes += member.bitfield_size == 0 ? member.at.size : 0;
        if (member.alignment != 0) {
            ++forced;
            forced_holes += member.at.hole != 0;
            forced_hole_bytes += member.at.hole;
        }
    }
    const bool has_holes = row.hole_bytes != 0 || row.bit_hole_bits != 0;
    text.write("\n");
    CommentLine(text, indent)
        .number("size: ", row.size)
        .number(", cachelines: ", row.cachelines)
        .number(", members: ", row.members)
        .end();
    if (has_holes && bytes != 0) {
        CommentLine line(text, indent);
        line.number("sum members: ", bytes);
        if (row.hole_bytes != 0) {
            line.number(", holes: ", row.holes).number(", sum holes: ", row.hole_bytes);
        }
        line.end();
    }
    if (has_holes && bits != 0) {
        CommentLine line(text, indent);
        line.number("sum bitfield members: ", bits, " bits");
        if (row.bit_hole_bits != 0) {
            line.number(", bit holes: ", row.bit_holes);
            line.number(", sum bit holes: ", row.bit_hole_bits, " bits");
        } else {
            line.number(" (", bits / 8, " bytes)");
        }
        line.end();
    }
    if (row.padding != 0) {
        CommentLine(text, indent).number("padding: ", row.padding).end();
    }
    if (inner.count != 0) {
        CommentLine line(text, indent);
        line.number("paddings: ", inner.count).number(", sum paddings: ", inner.bytes).end();
    }
    if (row.bit_padding != 0) {
        CommentLine(text, indent).number("bit_padding: ", row.bit_padding, " bits").end();
    }
    if (forced != 0) {
        CommentLine line(text, indent);
        line.number("forced alignments: ", forced);
        if (forced_holes != 0) {
            line.number(", forced holes: ", forced_holes).number(", sum forced holes: ", forced_hole_bytes);
        }
        line.end();
    }
    if (row.size % kCacheLine != 0) {
        CommentLine(text, indent).number("last cacheline: ", row.size % kCacheLine, " bytes").end();
    }
}

}  // namespace btfmmap
