#include "core/lint/lint_rules.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "core/analysis/cycles.hpp"
#include "core/format/kind_text.hpp"
#include "core/index/enums.hpp"
#include "core/index/rows_of_kind.hpp"

namespace btfmmap {

namespace {

using std::int64_t;
using std::uint32_t;

// The longest name that the kernel accepts: its KSYM_NAME_LEN, less the NUL. Longer names are not read to
// their end, because a hostile file can point a million records at one name of megabytes.
constexpr std::size_t kMaxName = 511;
constexpr std::size_t kMaxQuoted = 64;  // bytes of a name shown in a message

// Which characters a name may consist of.
enum class Alphabet : std::uint8_t { any, printable, words, symbol, identifier };

bool is_letter(char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
}
bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }

// Whether a name that is not empty is in an alphabet.
bool is_in(std::string_view name, Alphabet alphabet) {
    switch (alphabet) {
        case Alphabet::any:
            return true;
        case Alphabet::printable:
            return std::all_of(name.begin(), name.end(), [](char byte) { return byte > ' ' && byte < 0x7f; });
        default:
            break;
    }
    return is_letter(name.front()) && std::all_of(name.begin(), name.end(), [alphabet](char byte) {
               return is_letter(byte) || is_digit(byte) || (byte == ' ' && alphabet == Alphabet::words) ||
                      (byte == '.' && alphabet == Alphabet::symbol);
           });
}

// Returns the alphabet of a kind's names. Examples: "long unsigned int", ".data..percpu", "f.isra.0".
Alphabet alphabet_of(Kind kind) {
    switch (kind) {
        case Kind::Int:
        case Kind::Float:
            return Alphabet::words;
        case Kind::Func:
        case Kind::Var:
            return Alphabet::symbol;
        case Kind::Datasec:
            return Alphabet::printable;
        case Kind::DeclTag:
        case Kind::TypeTag:
            return Alphabet::any;
        default:
            return Alphabet::identifier;
    }
}

// What a name outside an alphabet fails to be, for messages.
const char* expected_text(Alphabet alphabet) {
    switch (alphabet) {
        case Alphabet::words:
            return "the name of a C type";
        case Alphabet::symbol:
            return "the name of a symbol";
        case Alphabet::printable:
            return "the name of a section";
        default:
            return "a C identifier";
    }
}

bool needs_name(Kind kind) {
    switch (kind) {
        case Kind::Int:
        case Kind::Fwd:
        case Kind::Typedef:
        case Kind::Func:
        case Kind::Var:
        case Kind::Datasec:
        case Kind::Float:
        case Kind::DeclTag:
        case Kind::TypeTag:
            return true;
        default:
            return false;
    }
}

bool takes_no_name(Kind kind) {
    switch (kind) {
        case Kind::Ptr:
        case Kind::Array:
        case Kind::Volatile:
        case Kind::Const:
        case Kind::Restrict:
        case Kind::FuncProto:
            return true;
        default:
            return false;
    }
}

bool uses_kind_flag(Kind kind) {
    switch (kind) {
        case Kind::Struct:
        case Kind::Union:
        case Kind::Enum:
        case Kind::Enum64:
        case Kind::Fwd:
        case Kind::DeclTag:
        case Kind::TypeTag:
            return true;
        default:
            return false;
    }
}

std::string number(std::uint64_t value) { return std::to_string(value); }

class LintRules {
public:
    LintRules(ReadableBtf& btf, const Sizes& sizes, std::uint64_t types_start, const ReportDiagnostic& report)
        : index_(btf.records.index()),
          strings_(btf.strings),
          sizes_(sizes),
          types_start_(types_start),
          report_(report),
          known_identifiers_(btf.identifiers) {}

    void run(bool sound) {
        for (std::size_t row = index_.first_record(); row != index_.rows(); ++row) {
            check_record(static_cast<uint32_t>(row));
        }
        for (const Cycle& cycle : sound ? find_prototype_cycles(index_) : find_cycles(index_)) {
            report_cycle(cycle);
        }
        check_duplicates();
    }

private:
    void check_record(uint32_t row) const {
        const Kind kind = index_.kind(row);
        if (!shape_of(kind).known) {
            return note(row, "kind", index_.record(row) + HeadField::info,
                        "has the unknown kind " + number(static_cast<unsigned>(kind)) +
                            ", known only from the layout section" + upcoming_kind_hint(index_.kinds()[row]));
        }
        check_name(row, kind);
        check_info(row, kind);
        if (is_composite(kind)) {
            check_members(row, kind);
        } else {
            check_elements(row, kind);
        }
        check_numbers(row, kind);
    }

    // -- names

    std::string_view name_at(uint32_t name_off) const {
        return name_off < strings_.end() ? strings_.prefix(name_off, kMaxName + 1) : std::string_view();
    }

    static std::string quoted(std::string_view name) {
        return "'" + std::string(name.substr(0, kMaxQuoted)) + (name.size() > kMaxQuoted ? "...'" : "'");
    }

    void check_name(uint32_t row, Kind kind) const {
        const std::byte* word = index_.record(row) + HeadField::name_off;
        const uint32_t name_off = index_.load(word);
        // An identifier is in all alphabets.
        const bool is_good = takes_no_name(kind) ? name_off == 0 : known_identifiers_.contains(name_off);
        if (is_good) {
            return;
        }
        const std::string_view name = name_at(name_off);
        if (name.empty() && needs_name(kind)) {
            note(row, "name", word, "has no name");
        } else if (!name.empty() && takes_no_name(kind)) {
            note(row, "name", word, "is named " + quoted(name) + ", but its kind has no names");
        } else {
            check_text(row, word, "is named ", name, alphabet_of(kind));
        }
    }

    void check_text(uint32_t row, const std::byte* word, const char* what, std::string_view name,
                    Alphabet alphabet) const {
        if (name.empty()) {
            return;
        }
        if (name.size() > kMaxName) {
            note(row, "name", word,
                 what + quoted(name) + ", longer than the kernel's limit of " + number(kMaxName) + " bytes");
        } else if (!is_in(name, alphabet)) {
            note(row, "identifier", word, what + quoted(name) + ", which is not " + expected_text(alphabet));
        } else if (const uint32_t name_off = index_.load(word);
                   alphabet == Alphabet::identifier && name_off < strings_.end()) {
            known_identifiers_.add(name_off);
        }
    }

    // -- the info word

    void check_info(uint32_t row, Kind kind) const {
        const std::byte* word = index_.record(row) + HeadField::info;
        const uint32_t info = index_.load(word);
        const uint32_t vlen = info_vlen(info);
        if (info_kind_flag(info) && !uses_kind_flag(kind)) {
            note(row, "kind-flag", word, "has the kind flag, which its kind does not use");
        }
        if (kind == Kind::Func) {
            check_linkage(row, word, vlen);
        } else if (vlen != 0 && shape_of(kind).element == 0) {
            note(row, "vlen", word, "has a vlen of " + number(vlen) + ", but its kind has no elements");
        }
    }

    void check_linkage(uint32_t row, const std::byte* word, uint32_t linkage) const {
        if (linkage > 2) {
            note(row, "linkage", word, "has the linkage " + number(linkage) + ", must be 0, 1 or 2");
        }
    }

    // -- members of structs and unions

    // The bits that a member occupies, from the start of its struct or union.
    struct Extent {
        int64_t start, end;
        bool may_be_bitfield;  // a bitfield, or of an INT type, which may describe one
    };

    static std::string member_text(uint32_t member, std::string_view name) {
        return "has a member " + number(member) + (name.empty() ? "" : " " + quoted(name));
    }

    void check_members(uint32_t row, Kind kind) const {
        const std::byte* head = index_.record(row);
        const bool flag = info_kind_flag(index_.load(head + HeadField::info));
        const int64_t size = index_.load(head + HeadField::size_or_type);
        const Shape& shape = shape_of(Kind::Struct);
        const uint32_t count = index_.elements(row, shape);
        const std::byte* member = head + kHeadSize;
        if (are_plain(member, count, kind == Kind::Struct, flag, 8 * size)) {
            return;
        }
        int64_t last_start = 0;
        const std::vector<int64_t>& ends = ends_before(kind == Kind::Struct ? count : 0, member, flag);
        for (uint32_t i = 0; i != count; ++i, member += shape.element) {
            const uint32_t name_off = index_.load(member + MemberField::name_off);
            if (!known_identifiers_.contains(name_off)) {
                check_text(row, member + MemberField::name_off, "has a member ", name_at(name_off),
                           Alphabet::identifier);
            }
            const uint32_t type_id = index_.load(member + MemberField::type);
            const bool sized = is_sized(type_id);
            if (!sized && type_id < index_.end_id()) {
                note(row, "unsized", member + MemberField::type,
                     member_text(i, name_at(name_off)) + " of type [" + number(type_id) +
                         "], which has no size");
            }
            const std::byte* word = member + MemberField::offset;
            const Extent extent = extent_of(index_.load(word), flag, sized ? type_id : 0);
            // A member whose type does not exist might have been of an INT type.
            if ((flag || type_id < index_.end_id()) && !extent.may_be_bitfield && extent.start % 8 != 0) {
                note(row, "unaligned", word,
                     member_text(i, name_at(name_off)) + " at bit " + number(positive(extent.start)) +
                         ", within a byte, although it is not a bitfield");
            }
            if (extent.end > 8 * size) {
                note(row, "outside", word,
                     member_text(i, name_at(name_off)) + " that ends at bit " + number(positive(extent.end)) +
                         ", past its " + bytes_in_bits(positive(size)));
            }
            if (kind != Kind::Struct) {
                continue;
            }
            if (extent.start < last_start) {
                note(row, "order", word,
                     member_text(i, name_at(name_off)) + " at bit " + number(positive(extent.start)) +
                         ", before the member that precedes it in the record");
            }
            if (extent.start < ends[i] && extent.end > extent.start) {
                note(row, "overlap", word,
                     member_text(i, name_at(name_off)) + " at bit " + number(positive(extent.start)) +
                         ", where another one ends at bit " + number(positive(ends[i])));
            }
            last_start = extent.start;
        }
    }

    // Fast check of the members of a record that has `bits`. Returns true only if nothing is to be noted;
    // false requires the full check.
    bool are_plain(const std::byte* member, uint32_t count, bool is_struct, bool flag, int64_t bits) const {
        int64_t last_end = 0;
        for (uint32_t i = 0; i != count; ++i, member += shape_of(Kind::Struct).element) {
            const uint32_t name_off = index_.load(member + MemberField::name_off);
            const uint32_t type_id = index_.load(member + MemberField::type);
            if ((name_off != 0 && !known_identifiers_.contains(name_off)) || !is_sized(type_id)) {
                return false;
            }
            const Extent extent = extent_of(index_.load(member + MemberField::offset), flag, type_id);
            const bool unaligned = !extent.may_be_bitfield && extent.start % 8 != 0;
            if (unaligned || extent.end > bits || (is_struct && extent.start < last_end)) {
                return false;
            }
            last_end = extent.end;
        }
        return true;
    }

    // The bits of a member, and its number in the record.
    struct NumberedExtent {
        Extent extent;
        uint32_t number;

        bool operator<(const NumberedExtent& other) const {
            return std::tie(extent.start, extent.end, number) <
                   std::tie(other.extent.start, other.extent.end, other.number);
        }
    };

    // Returns, for each of the members, the last bit at which a member with a lower offset ends. Valid until
    // the next call.
    const std::vector<int64_t>& ends_before(uint32_t count, const std::byte* member, bool flag) const {
        extents_.resize(count);
        bool ascend = true;
        int64_t last = -1;
        for (uint32_t i = 0; i != count; ++i, member += shape_of(Kind::Struct).element) {
            const uint32_t type_id = index_.load(member + MemberField::type);
            const uint32_t word = index_.load(member + MemberField::offset);
            extents_[i] = {extent_of(word, flag, is_sized(type_id) ? type_id : 0), i};
            ascend = ascend && extents_[i].extent.start > last;
            last = extents_[i].extent.start;
        }
        if (!ascend) {
            std::sort(extents_.begin(), extents_.end());
        }
        ends_.resize(count);
        int64_t end = 0;
        for (const NumberedExtent& each : extents_) {
            ends_[each.number] = end;
            end = std::max(end, each.extent.end);
        }
        return ends_;
    }

    bool is_sized(uint32_t type_id) const {
        return type_id < index_.end_id() && sizes_.size(type_id) != Sizes::kUnknown;
    }

    static std::uint64_t positive(int64_t value) { return static_cast<std::uint64_t>(value); }

    // Returns the extent of a member with this offset word. `type_id` is 0 for a type without a size. Before
    // the kind flag was introduced, an INT with fewer bits than its size made a member a bitfield.
    Extent extent_of(uint32_t word, bool flag, uint32_t type_id) const {
        int64_t start = member_bit_offset(word, flag);
        int64_t bits = member_bitfield_size(word, flag);
        bool may_be_bitfield = bits != 0;
        if (bits == 0 && type_id != 0) {
            bits = 8 * std::max<int64_t>(0, sizes_.size(type_id));
            const uint32_t resolved = sizes_.resolved(type_id);
            if (!flag && resolved != Sizes::kNoType && index_.kind_of(resolved) == Kind::Int) {
                const Index& owner = index_.owner(resolved);
                const uint32_t integer = owner.load(owner.record(resolved - owner.first_id()) + kHeadSize);
                start += int_bit_offset(integer);
                bits = int_bits(integer);
                may_be_bitfield = true;
            }
        }
        return {start, start + bits, may_be_bitfield};
    }

    // -- elements and numbers of other kinds

    void check_elements(uint32_t row, Kind kind) const {
        const Shape& shape = shape_of(kind);
        if (shape.element_name == Shape::kNone) {
            return;
        }
        const char* what = kind == Kind::FuncProto ? "has a parameter " : "has an enumerator ";
        const std::byte* element = index_.record(row) + kHeadSize;
        for (uint32_t left = index_.elements(row, shape); left != 0; --left, element += shape.element) {
            const std::byte* word = element + shape.element_name;
            const uint32_t name_off = index_.load(word);
            if (known_identifiers_.contains(name_off) || (name_off == 0 && kind == Kind::FuncProto)) {
                continue;
            }
            const std::string_view name = name_at(name_off);
            if (name.empty() && kind != Kind::FuncProto) {
                note(row, "name", word, "has an enumerator without a name");
            }
            check_text(row, word, what, name, Alphabet::identifier);
        }
    }

    void check_numbers(uint32_t row, Kind kind) const {
        const std::byte* head = index_.record(row);
        const std::byte* size_word = head + HeadField::size_or_type;
        const uint32_t size = index_.load(size_word);
        switch (kind) {
            case Kind::Int:
                return check_integer(row, size);
            case Kind::Enum:
            case Kind::Enum64:
                if (size == 0 || size > 8 || (size & (size - 1)) != 0) {
                    note(row, "size", size_word, "is an enum of " + number(size) + " bytes");
                }
                return check_sign(row, kind, size);
            case Kind::Float:
                if (size != 2 && size != 4 && size != 8 && size != 12 && size != 16) {
                    note(row, "size", size_word, "is a FLOAT of " + number(size) + " bytes");
                }
                return;
            case Kind::Array:
            case Kind::Fwd:
                if (size != 0) {
                    note(row, "size", size_word,
                         "has " + number(size) + " in its size/type field, which its kind does not use");
                }
                return;
            case Kind::Var:
                return check_linkage(row, head + kHeadSize, index_.load(head + kHeadSize));
            case Kind::Datasec:
                return check_section(row, size);
            default:
                return;
        }
    }

    // Interprets the lowest `bits` bits of a value, the highest of them set, as two's complement.
    static int64_t sign_extended(std::uint64_t value, unsigned bits) {
        return static_cast<int64_t>(value | (bits == 64 ? 0 : UINT64_MAX << bits));
    }

    // Reports the first value that makes an enum signed without the kind flag. If there is none, reports the
    // first value in the upper half of the range, which may have been meant as a negative one.
    void check_sign(uint32_t row, Kind kind, uint32_t size) const {
        const unsigned bits = size < enum_value_bits(kind) / 8 ? 8 * size : enum_value_bits(kind);
        if (bits == 0 || info_kind_flag(index_.load(index_.record(row) + HeadField::info))) {
            return;
        }
        const bool is_signed = enum_is_signed(index_, row);
        const unsigned fitting = is_signed ? bits : bits - 1;
        const std::size_t step = shape_of(kind).element;
        const std::byte* end = index_.record(row + 1);
        for (const std::byte* element = index_.record(row) + kHeadSize; element != end; element += step) {
            const std::uint64_t value = enum_value(index_, kind, element);
            if (value >> fitting != 0) {
                const std::string_view name = name_at(index_.load(element + EnumField::name_off));
                return note(row, "sign", element + EnumField::value,
                            "has the value " + number(value) + (name.empty() ? "" : " " + quoted(name)) +
                                " without the kind flag, " +
                                (is_signed ? "more than its " + number(size) + " bytes hold: taken for " +
                                                 std::to_string(signed_enum_value(kind, value))
                                           : "in the upper half of its range: it may mean " +
                                                 std::to_string(sign_extended(value, bits))));
            }
        }
    }

    void check_integer(uint32_t row, uint32_t size) const {
        const std::byte* at = index_.record(row) + kHeadSize;
        const uint32_t word = index_.load(at);
        const uint32_t encoding = int_encoding(word);
        if ((encoding & (encoding - 1)) != 0 || encoding > 4) {
            note(row, "encoding", at, "is an INT of encoding " + number(encoding) + ", must be 0, 1, 2 or 4");
        }
        if (int_bits(word) == 0 || int_bit_offset(word) + int_bits(word) > 8 * std::uint64_t{size}) {
            note(row, "size", at,
                 "is an INT of " + number(int_bits(word)) + " bits at bit " + number(int_bit_offset(word)) +
                     " of " + number(size) + " bytes");
        }
    }

    void check_section(uint32_t row, uint32_t size) const {
        const Shape& shape = shape_of(Kind::Datasec);
        const std::byte* entry = index_.record(row) + kHeadSize;
        const uint32_t count = index_.elements(row, shape);
        std::uint64_t last_end = 0;
        // Compilers leave the size and the offsets 0. The loader sets them.
        for (uint32_t i = 0; size != 0 && i != count; ++i, entry += shape.element) {
            const std::uint64_t start = index_.load(entry + SecinfoField::offset);
            const std::uint64_t end = start + index_.load(entry + SecinfoField::size);
            if (end > size) {
                note(row, "outside", entry + SecinfoField::offset,
                     "has an entry " + number(i) + " that ends at byte " + number(end) + ", past its " +
                         number(size) + " bytes");
            }
            if (start < last_end) {
                note(row, "overlap", entry + SecinfoField::offset,
                     "has an entry " + number(i) + " at byte " + number(start) +
                         ", where another one ends at byte " + number(last_end));
            }
            last_end = std::max(last_end, end);
        }
    }

    // -- rules that concern several types

    void report_cycle(const Cycle& cycle) const {
        const uint32_t row = cycle.lowest_id - index_.first_id();
        std::string what =
            cycle.by_value ? "holds itself" : "refers to itself without a struct or union in between";
        if (cycle.types > 1) {
            what += ", in a cycle with " + number(cycle.types - 1) + " more types";
        }
        note(row, "cycle", index_.record(row), what);
    }

    struct Named {
        std::size_t hash;
        uint32_t id;
        Kind kind;

        bool operator<(const Named& other) const {
            return hash != other.hash   ? hash < other.hash
                   : kind != other.kind ? kind < other.kind
                                        : id < other.id;
        }
    };

    // Sorts hashes instead of the names, whose bytes may change during the sort. If two names have the same
    // hash, a duplicate of one of them can be missed; that is the only effect.
    void check_duplicates() const {
        std::vector<Named> named;
        for (uint32_t id = 1; id != index_.end_id(); ++id) {
            const Index& owner = index_.owner(id);
            const uint32_t row = id - owner.first_id();
            const std::string_view name =
                is_composite(owner.kind(row)) ? name_at(owner.name_off(row)) : std::string_view();
            if (!name.empty() && name.size() <= kMaxName) {
                named.push_back({std::hash<std::string_view>()(name), id, owner.kind(row)});
            }
        }
        std::sort(named.begin(), named.end());
        std::vector<std::pair<uint32_t, uint32_t>>
            duplicates;  // type ID, ID of the first type with that name
        for (std::size_t i = 0, first = 0; i != named.size(); ++i) {
            if (named[i].hash != named[first].hash || named[i].kind != named[first].kind) {
                first = i;
            } else if (i != first && named[i].id >= index_.first_id() &&
                       name_of(named[i].id) == name_of(named[first].id)) {
                duplicates.emplace_back(named[i].id, named[first].id);
            }
        }
        std::sort(duplicates.begin(), duplicates.end());
        for (const auto& [id, first] : duplicates) {
            const uint32_t row = id - index_.first_id();
            note(row, "duplicate", index_.record(row) + HeadField::name_off,
                 std::string("is another ") + (index_.kind(row) == Kind::Struct ? "struct " : "union ") +
                     quoted(name_of(id)) + "; the first one is [" + number(first) + "]");
        }
    }

    std::string_view name_of(uint32_t id) const {
        const Index& owner = index_.owner(id);
        return name_at(owner.name_off(id - owner.first_id()));
    }

    void note(uint32_t row, const char* rule, const std::byte* word, const std::string& what) const {
        const auto offset = static_cast<std::size_t>(word - index_.record(0));
        report_({Severity::note, rule, "type [" + number(index_.id(row)) + "] " + what, types_start_ + offset,
                 index_.id(row)});
    }

    const Index& index_;
    const Strings& strings_;
    const Sizes& sizes_;
    std::uint64_t types_start_;
    const ReportDiagnostic& report_;
    KnownIdentifiers& known_identifiers_;
    // Of ends_before(), kept for their memory.
    mutable std::vector<NumberedExtent> extents_;
    mutable std::vector<int64_t> ends_;
};

}  // namespace

void apply_lint_rules(ReadableBtf& btf, const Sizes& sizes, std::uint64_t types_start, bool sound,
                      const ReportDiagnostic& report) {
    LintRules(btf, sizes, types_start, report).run(sound);
}

}  // namespace btfmmap
