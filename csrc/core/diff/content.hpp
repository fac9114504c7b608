#pragma once

#include <cstdint>

#include "core/fingerprint/hash.hpp"

// What definitions consist of, independent of the files that they were read from. Names, paths and types are
// numbers of an Interner.
namespace btfmmap::diff {

enum class Class : std::uint8_t {
    structure,
    union_,
    enumeration,
    function,
    typedef_,
    variable,
    tracepoint,
    base
};
constexpr std::uint32_t kClasses = 8;

constexpr std::uint32_t kNone = UINT32_MAX;

// A member of a struct or union as C code accesses it, an enumerator, a parameter, or the type of a typedef
// or variable.
struct Member {
    std::uint64_t bit_offset = 0;       // from the start of the struct; of an enumerator, the value
    std::uint64_t end_before = 0;       // the end of what precedes it in its container, in bits
    std::uint32_t name = 0;             // without the path
    std::uint32_t path = 0;             // from the struct, such as "a.b"
    std::uint32_t type = 0;             // its spelling
    std::uint32_t size = kUnknownSize;  // of its type, in bytes
    std::uint32_t embedded = kNone;     // the entity that it consists of
    std::uint32_t holder = kNone;       // the number of the member "struct {...}" that contains it
    std::uint32_t container = 0;        // the number of the container of its record
    std::uint8_t bits = 0;              // of a bitfield; 0 otherwise
    std::uint8_t kind = 0;              // of its type, below typedefs and qualifiers
    std::uint8_t alignment : 6;         // of its type, in bytes; 0 if unknown
    bool unnamed : 1;                   // whether it is a parameter without a name; the name is then "[i]"
    bool holds : 1;                     // whether it is a "struct {...}", whose members follow

    static constexpr std::uint32_t kUnknownSize = UINT32_MAX;

    Member() : alignment(0), unnamed(false), holds(false) {}

    // The end of a member in bits; a type without a size has none.
    std::uint64_t end() const {
        return bit_offset + (bits != 0 ? bits : size == kUnknownSize ? 0 : std::uint64_t{8} * size);
    }
};

// A struct or union without a name, or a member without a name whose type has one. Number 0 is the whole.
struct Container {
    std::uint32_t chain = 0;          // the kinds of the containers from the holder inwards, such as "us"
    std::uint32_t outermost = kNone;  // the container, this or one around it, whose type has a name
    std::uint32_t name = 0;           // of its type; 0 if it has none
    std::uint32_t type = kNone;       // the spelling of its type, if that has a name
    std::uint32_t embedded = kNone;   // as in Member
    std::uint64_t bit_offset = 0;
};

// What a definition consists of.
struct Content {
    // What the members are: those of a struct or union, enumerators, or parameters. A typedef or variable has
    // its type before them, and a function its result.
    enum class Holds : std::uint8_t {
        nothing,
        structure,
        union_,
        enumeration,
        parameters
    } holds = Holds::nothing;
    bool has_type = false;  // whether the first member is the type or result
    bool variadic = false;
    std::uint32_t signedness = 0;  // of an enum: its flag; of a base type: its encoding
    std::uint32_t size = Member::kUnknownSize;
    std::int32_t alignment = -1;
    std::uint64_t end = 0;  // of all members, in bits
    std::uint32_t member_count = 0;
    std::uint32_t container_count = 0;
    const Member* members = nullptr;
    const Container* containers = nullptr;
};

// One definition.
struct Version {
    fingerprint::Hash layout, declaration, deep;
    std::uint32_t tags = 0;     // the declaration tags, as one text
    std::uint32_t linkage = 0;  // of a function or variable
    std::uint32_t entity = kNone;
    std::uint32_t kernel = 0;  // the first with it
    std::uint32_t type_id = 0;
    std::uint32_t module = 0;          // its name; 0 for the kernel itself
    const Content* content = nullptr;  // until it is read: nullptr
    std::uint32_t readable_in = 0;     // the latest kernel with it; kNone if its content cannot be read
    std::uint32_t definition = 0;      // its number in that kernel
};

// One version with its content.
struct VersionView {
    const Version& version;
    const Content& content;
    const Member* members;  // without the type or result
    std::uint32_t count;
    const Member* type;  // nullptr if it has none

    explicit VersionView(const Version& of) : VersionView(of, *of.content) {}
    VersionView(const Version& of, const Content& with)
        : version(of),
          content(with),
          members(with.has_type ? with.members + 1 : with.members),
          count(with.member_count - (with.has_type ? 1 : 0)),
          type(with.has_type ? with.members : nullptr) {}

    const Container& container(const Member& member) const { return content.containers[member.container]; }
    bool is_composite() const {
        return content.holds == Content::Holds::structure || content.holds == Content::Holds::union_;
    }
};

}  // namespace btfmmap::diff
