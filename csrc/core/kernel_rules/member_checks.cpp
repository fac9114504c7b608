// How members lie in their struct or union, by the kinds of their types: the check_member and
// check_kflag_member operations of the kernel.

#include <algorithm>
#include <string>

#include "core/format/kind_text.hpp"
#include "core/kernel_rules/resolver.hpp"

namespace btfmmap::kernel_rules {

using std::uint32_t;

void Resolver::check_member(const Member& member) {
    const uint32_t target = types_.load(member.at + MemberField::type);
    const auto found = with_size(target);
    if (!found) {
        return member_fault(Rule::member_type, member, "of " + type_text(target) + ", which has no size");
    }
    const uint32_t word = types_.load(member.at + MemberField::offset);
    const bool flag = types_.flag(member.parent);
    const Kind kind = types_.kind(*found);
    if (kind == Kind::Int) {
        const uint32_t int_word = types_.word(*found, kHeadSize);
        return flag ? check_int_bitfield(member, int_word) : check_int_member(member, int_word);
    }
    if (flag && is_enum(kind)) {
        return check_enum_bitfield(member);
    }
    if (const uint32_t bits = member_bitfield_size(word, flag)) {
        return member_fault(
            Rule::bitfield_size, member,
            "with a bitfield size of " + number(bits) + ", but its type is neither an INT nor an enum");
    }
    check_whole_member(member, *found);
}

void Resolver::check_int_member(const Member& member, uint32_t int_word) {
    const uint32_t start = types_.load(member.at + MemberField::offset);
    if (UINT32_MAX - start < int_bit_offset(int_word)) {
        return member_fault(Rule::member_bits, member,
                            "at bit " + number(start) + ", whose INT begins past bit 2^32");
    }
    check_copied_bits(member, start + int_bit_offset(int_word), int_bits(int_word));
}

void Resolver::check_int_bitfield(const Member& member, uint32_t int_word) {
    if (!is_regular_int(int_word)) {
        return member_fault(Rule::member_base_type, member,
                            "of an INT of " + number(int_bits(int_word)) + " bits at bit " +
                                number(int_bit_offset(int_word)));
    }
    const uint32_t word = types_.load(member.at + MemberField::offset);
    const uint32_t start = member_bit_offset(word, true), bits = member_bitfield_size(word, true);
    if (bits == 0 && start % 8 != 0) {
        return member_fault(Rule::member_alignment, member, "at bit " + number(start) + ", within a byte");
    }
    if (bits > int_bits(int_word)) {
        return member_fault(Rule::bitfield_size, member,
                            "with a bitfield size of " + number(bits) + ", but its INT has " +
                                number(int_bits(int_word)) + " bits");
    }
    check_copied_bits(member, start, bits == 0 ? int_bits(int_word) : bits);
}

void Resolver::check_copied_bits(const Member& member, uint32_t start, uint32_t bits) {
    const uint32_t copied = bits + start % 8;
    if (copied > kMaxIntBits) {
        return member_fault(Rule::member_bits, member,
                            "of " + number(bits) + " bits at bit " + number(start) +
                                ", more than 128 from its first byte on");
    }
    const uint32_t size = types_.size_or_type(member.parent), first = start / 8;
    if (size < first || size - first < bytes_of_bits(copied)) {
        member_fault(
            Rule::member_end, member,
            "that ends at bit " + number(std::uint64_t{start} + bits) + ", past its " + bytes_in_bits(size));
    }
}

void Resolver::check_enum_bitfield(const Member& member) {
    constexpr uint32_t int_bits = 32;  // also of an enum of another size
    const uint32_t word = types_.load(member.at + MemberField::offset);
    const uint32_t start = member_bit_offset(word, true), bits = member_bitfield_size(word, true);
    if (bits == 0 && start % 8 != 0) {
        return member_fault(Rule::member_alignment, member, "at bit " + number(start) + ", within a byte");
    }
    if (bits > int_bits) {
        return member_fault(Rule::bitfield_size, member,
                            "with a bitfield size of " + number(bits) + ", but an enum has 32 bits");
    }
    const uint32_t end = start + (bits == 0 ? int_bits : bits), size = types_.size_or_type(member.parent);
    if (size < bytes_of_bits(end)) {
        member_fault(Rule::member_end, member,
                     "that ends at bit " + number(end) + ", past its " + bytes_in_bits(size) +
                         "; enums count as 32 bits");
    }
}

void Resolver::check_whole_member(const Member& member, uint32_t type_id) {
    const uint32_t start = types_.load(member.at + MemberField::offset);
    const uint32_t bytes = size(type_id);
    const bool is_float = types_.kind(type_id) == Kind::Float;
    const uint32_t alignment = is_float ? std::min(pointer_size_, bytes) : 1;
    if (alignment == 0 || start % (std::uint64_t{8} * alignment) != 0) {
        return member_fault(Rule::member_alignment, member,
                            "at bit " + number(start) + ", not a multiple of " + bytes_in_bits(alignment));
    }
    const uint32_t whole = types_.size_or_type(member.parent), first = start / 8;
    if (whole < first || whole - first < bytes) {
        member_fault(Rule::member_end, member,
                     "of " + number(bytes) + " bytes at byte " + number(first) + ", past its " +
                         number(whole) + " bytes");
    }
}

void Resolver::member_fault(Rule rule, const Member& member, const std::string& what) {
    fault(rule, member.parent, member.at + MemberField::offset,
          "has a member " + number(member.number) + " " + what);
}

}  // namespace btfmmap::kernel_rules
