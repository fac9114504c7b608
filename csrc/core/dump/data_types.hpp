#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/analysis/sizes.hpp"
#include "core/btf/btf.hpp"
#include "core/dump/c_declarations.hpp"
#include "core/dump/c_limits.hpp"
#include "core/dump/c_names.hpp"
#include "core/text/output.hpp"

namespace btfmmap {

struct DataType;

// A value inside another one: a member, an element, or a variable of a section. Also a value of its own.
struct DataPart {
    std::uint32_t type_id;  // the type that a cast names
    std::uint32_t name_off;
    std::uint64_t bit_offset;
    std::uint8_t bitfield_size;  // 0 if it is not a bitfield
    DataType* type;              // the type below typedefs and qualifiers
    // Both are found when they are first needed.
    std::string_view name;
    std::string_view cast;
};

// A type as its values are read. A cycle of typedefs has the type of one of them.
struct DataType {
    struct Enumerator {
        std::uint64_t value;  // sign-extended if the enum is signed
        std::uint32_t number;
    };

    std::uint32_t id;
    Kind kind;
    bool is_signed;           // an INT, ENUM or ENUM64
    std::uint8_t int_offset;  // the value of an INT is a bitfield in old BTF: its offset and size in bits
    std::uint8_t int_bits;    // 0 if it is not a bitfield
    bool is_expanded;         // whether `parts` and `enumerators` are filled
    std::uint32_t nelems;     // of an ARRAY
    std::uint32_t linkage;    // of a VAR
    std::int64_t size;        // as from Sizes::size()
    std::vector<DataPart> parts;
    std::vector<Enumerator> enumerators;

    // Whether values are numbers or names, which are zero if all of their bytes are.
    bool is_scalar() const {
        return kind == Kind::Int || kind == Kind::Ptr || kind == Kind::Float || is_enum(kind);
    }
    // Whether an array of this type is shown as characters.
    bool is_character() const { return kind == Kind::Int && size == 1; }
};

// The types that data consists of, each one read from its record once. Memory is in proportion to the size of
// the BTF.
class DataTypes {
public:
    // Both arguments must outlive this object.
    DataTypes(const Btf& btf, const Sizes& sizes);

    // Returns a value of a type, without a name.
    DataPart part(std::uint32_t type_id) { return part(type_id, 0, 0, 0); }

    // Returns the members of a STRUCT or UNION, the element of an ARRAY, the variables of a DATASEC, or the
    // value of a VAR. Throws Error (format) for too many members.
    std::vector<DataPart>& parts(DataType& type) {
        if (!type.is_expanded) {
            expand(type);
        }
        return type.parts;
    }

    // Returns the name of the first enumerator with a value; empty if there is none.
    std::string_view enumerator(DataType& type, std::uint64_t value);

    // Returns the type's name as in a cast: without qualifiers; for an anonymous type, the keyword. Throws
    // Error (not_supported).
    std::string_view cast(std::uint32_t type_id);

    // Returns the string at an offset; empty past the strings.
    std::string_view string(std::uint32_t offset) const;
    std::string_view name(std::uint32_t type_id) const;

private:
    DataPart part(std::uint32_t type_id, std::uint32_t name_off, std::uint64_t bit_offset,
                  std::uint8_t bitfield_size);
    DataType& resolved(std::uint32_t type_id);
    void expand(DataType& type);

    const Btf& btf_;
    const Sizes& sizes_;
    std::unordered_map<std::uint32_t, DataType> types_;
    std::unordered_map<std::uint32_t, std::string> casts_;
    std::string cast_;
    Output output_;
    CLimits limits_;
    CNames names_;
    CDeclarations declarations_;
};

}  // namespace btfmmap
