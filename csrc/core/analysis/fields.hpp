#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/analysis/sizes.hpp"
#include "core/base/error.hpp"
#include "core/btf/btf.hpp"
#include "core/btf/record.hpp"

namespace btfmmap {

// The most members of a struct, including those of its anonymous structs and unions: the limit of a record
// with a 16-bit vlen.
constexpr std::uint32_t kMaxFields = 1U << 16;
// The most structs, unions and arrays inside each other.
constexpr std::uint32_t kMaxFieldDepth = 64;

// A member of a struct or union as C code accesses it: anonymous structs and unions are replaced by their
// members. The offset counts from the start of the outermost type.
struct Field {
    std::uint64_t bit_offset;
    std::uint32_t name_off;  // may be that of an empty string
    std::uint32_t type;
    std::uint32_t resolved;      // the type below typedefs and qualifiers; `type` itself in a cycle of these
    std::uint32_t parent;        // the struct or union whose record has the member
    std::uint32_t number;        // index among the members of `parent`
    std::uint32_t size;          // of the type, in bytes; 0 if it has none
    Kind kind;                   // of `resolved`
    std::uint8_t bitfield_size;  // in bits; 0 if the member is not a bitfield
    std::uint8_t depth;          // number of anonymous structs and unions around it
    bool in_union;               // whether `parent` or an anonymous type around it is a union
    bool flexible;               // whether it is an array of size 0 that extends past the end of its parent

    // The bytes that the field has bits of. A flexible array has no end.
    std::uint64_t begin() const { return bit_offset / 8; }
    std::uint64_t end() const {
        return flexible             ? UINT64_MAX
               : bitfield_size != 0 ? (bit_offset + bitfield_size - 1) / 8 + 1
                                    : begin() + size;
    }
};

// Visits the fields of a struct or union in the order of the records.
class FieldWalk {
public:
    // One type on the path to a field: a struct or union, its own bit offset, and the number of its member.
    struct Step {
        std::uint32_t parent;
        std::uint32_t number;
        std::uint64_t bit_offset;
    };

    // `root` is the ID of a STRUCT or UNION. Throws Error (format) as next() does.
    FieldWalk(const Btf& btf, const Sizes& sizes, std::uint32_t root);

    // Sets `field` to the next one; returns false after the last. Throws Error (format) if there are more
    // than kMaxFields members, or an anonymous type nests more than kMaxFieldDepth deep or contains itself.
    bool next(Field& field);

    // The path to the field that next() returned: the root, then the anonymous types around the field.
    const std::vector<Step>& path() const { return path_; }

private:
    struct Frame {
        TypeRecord record;
        std::uint64_t bit_offset;
        std::uint32_t members;
        std::uint32_t seen;
        bool flag;
        bool in_union;
        std::optional<std::uint32_t> last;  // member_ends(record).last, once it was asked for
    };

    void enter(std::uint32_t type_id, std::uint64_t bit_offset, bool in_union);
    static bool is_at_end(Frame& frame, std::uint32_t number);

    const Btf& btf_;
    const Sizes& sizes_;
    std::uint32_t root_;
    std::uint64_t count_ = 0;
    std::vector<Frame> frames_;
    std::vector<Step> path_;
};

// Returns the numbers of the members with the lowest and highest bit offsets of a STRUCT or UNION, which must
// have members. Rust's compiler reorders members, so these may be anywhere in a STRUCT's record. Those of a
// UNION are the first and last of the record.
struct Ends {
    std::uint32_t first, last;
};
Ends member_ends(const TypeRecord& record);

// The fields of one struct or union, with indexes by name and by byte that are built on first use. Immutable
// and thread-safe.
class Fields {
public:
    Fields(const Btf& btf, const Sizes& sizes, std::uint32_t type_id);

    Fields(const Fields&) = delete;
    Fields& operator=(const Fields&) = delete;

    // Returns all fields in the order of the records. Throws Error (format) if FieldWalk refused the type.
    const std::vector<Field>& all() const;

    // Returns the number of fields, or of those before the one at which FieldWalk refused the type.
    std::size_t count() const { return fields_.size(); }

    // Returns the first field with that name, or nullptr. `name` must not be empty. `strings` are those of
    // the BTF. A field before the one at which FieldWalk refused the type is found; otherwise throws as
    // all() does.
    const Field* find(const Strings& strings, std::string_view name) const;

    // Replaces `numbers` with the indices in all() of the fields that cover a byte, in ascending order.
    // Throws as all() does.
    void at(std::uint64_t byte, std::vector<std::uint32_t>& numbers) const;

private:
    // Chains of fields whose names have the same hash, each in ascending order.
    struct NameIndex {
        std::vector<std::uint32_t> first;  // per bucket
        std::vector<std::uint32_t> next;   // per field
    };
    // The fields in the order of their first bytes.
    struct Interval {
        std::uint64_t begin;
        std::uint64_t max_end;  // of this and all fields before it
        std::uint32_t number;
    };

    NameIndex index_names(const Strings& strings) const;
    std::vector<Interval> index_bytes() const;
    void check() const;

    std::vector<Field> fields_;
    std::optional<Error> error_;
    Lazy<NameIndex> names_;
    Lazy<std::vector<Interval>> bytes_;
};

}  // namespace btfmmap
