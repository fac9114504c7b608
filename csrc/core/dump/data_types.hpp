#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/analysis/sizes.hpp"
#include "core/base/arena.hpp"
#include "core/btf/btf.hpp"
#include "core/dump/c_declarations.hpp"
#include "core/dump/c_limits.hpp"
#include "core/dump/c_names.hpp"
#include "core/text/output.hpp"

namespace btfmmap {

struct DataType;

// A value inside another one: a member, an element, or a variable of a section. Also a value of its own.
struct DataPart {
    DataType* declared;          // the type that a cast names
    DataType* type;              // the type below typedefs and qualifiers; for a cycle of these, `declared`
    std::uint64_t bit_offset;    // from the start of what contains it
    std::uint8_t bitfield_size;  // 0 if it is not a bitfield
    std::uint32_t name_off;
    std::string_view name;  // filled when it is first needed
};

// A type as its values are read.
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
    bool is_expanded;         // whether `parts` or `enumerators` are filled
    std::uint32_t nelems;     // of an ARRAY
    std::uint32_t linkage;    // of a VAR
    std::int64_t size;        // as from Sizes::size()
    DataType* below;          // the type below typedefs and qualifiers
    DataType* next;           // in the same slot of a hash table
    std::string_view cast;    // filled when it is first needed
    std::uint32_t count;      // of `parts` or `enumerators`
    union {
        DataPart* parts;
        Enumerator* enumerators;
    };

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
    struct Parts {
        DataPart* data;
        std::uint32_t count;

        DataPart* begin() const { return data; }
        DataPart* end() const { return data + count; }
    };

    // Both arguments must outlive this object.
    DataTypes(const Btf& btf, const Sizes& sizes);

    // Returns a value of a type, without a name.
    DataPart part(std::uint32_t type_id) { return part(type_id, 0, 0, 0); }

    // Returns the members of a STRUCT or UNION, the element of an ARRAY, the variables of a DATASEC, or the
    // value of a VAR. Throws Error (format) for too many members.
    Parts parts(DataType& type) {
        if (!type.is_expanded) {
            expand(type);
        }
        return {type.parts, type.count};
    }

    // Returns the name of the first enumerator with a value; empty if there is none.
    std::string_view enumerator(DataType& type, std::uint64_t value);

    // Returns the type's name as in a cast: without qualifiers; for an anonymous type, the keyword. Throws
    // Error (not_supported).
    std::string_view cast(DataType& type) {
        if (type.cast.data() == nullptr) {
            make_cast(type);
        }
        return type.cast;
    }

    // Returns the string at an offset; empty past the strings.
    std::string_view string(std::uint32_t offset) const;
    std::string_view name(std::uint32_t type_id) const;

private:
    DataPart part(std::uint32_t type_id, std::uint32_t name_off, std::uint64_t bit_offset,
                  std::uint8_t bitfield_size) {
        DataType& declared = type(type_id);
        return {&declared, declared.below, bit_offset, bitfield_size, name_off, {}};
    }
    DataType& type(std::uint32_t type_id) {
        DataType* found = slot(type_id);
        while (found != nullptr && found->id != type_id) {
            found = found->next;
        }
        return found != nullptr ? *found : add(type_id);
    }
    DataType*& slot(std::uint32_t type_id) { return slots_[type_id & (slots_.size() - 1)]; }
    DataType& add(std::uint32_t type_id);
    void grow();
    void expand(DataType& type);
    void make_cast(DataType& type);

    const Btf& btf_;
    const Sizes& sizes_;
    Arena arena_;
    // A hash table with chains. Without a hash function, a chain is short even if the IDs are chosen to
    // collide: it has at most one type per slots_.size() types of the BTF.
    std::vector<DataType*> slots_;
    std::size_t used_ = 0;
    DataType* free_ = nullptr;  // allocated, but not used yet
    std::size_t free_count_ = 0;
    std::string cast_;
    Output output_;
    CLimits limits_;
    CNames names_;
    CDeclarations declarations_;
};

}  // namespace btfmmap
