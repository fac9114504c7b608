#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/btf/btf.hpp"
#include "core/core_relo/kinds.hpp"
#include "core/core_relo/local_path.hpp"
#include "core/core_relo/relocated_code.hpp"
#include "core/core_relo/values.hpp"

namespace btfmmap::core_relo {

// One record of the core_relo part of .BTF.ext.
struct Record {
    Bytes section;  // the ELF section that has the instruction; without data if there is none
    std::uint32_t insn_off;
    std::uint32_t root;
    std::uint32_t access_off;
    ReloKind kind;
};

// A relocation, as far as the object alone decides it.
struct Relocation {
    ReloKind kind;
    std::uint32_t root;
    std::uint32_t group;  // in Object::groups()
    Failure failure;      // the record or its access string is invalid; the rest has no meaning then
    LocalPath path;
    Value local;
    RelocatedCode code;
    // The relocation of the same instruction before this one, which changes what the instruction holds.
    std::uint32_t earlier = kNone;

    static constexpr std::uint32_t kNone = UINT32_MAX;
};

// The relocations of one root type. libbpf keeps one list of candidates for all of them.
struct Group {
    Kind kind;
    std::string_view essential;  // of the root's name, in the object's strings
    Failure failure;             // the root has no usable name
};

// The place and size of a field, or the size of a type or an enum.
struct Extent {
    std::uint32_t bit_offset = 0;
    std::uint32_t bytes = 0;         // of the declared type; 0 if it has no size
    std::uint8_t bitfield_size = 0;  // in bits; 0 if it is not a bitfield
};

// The CO-RE relocations of a BPF object, prepared for evaluation against any number of targets: access
// strings are parsed, and values of the object's own types calculated. Immutable and thread-safe. Does not
// refer to the sections' bytes afterwards.
class Object {
public:
    Object(std::shared_ptr<const Btf> btf, const std::vector<Record>& records);

    const Btf& btf() const { return *btf_; }
    const std::vector<Relocation>& relocations() const { return relocations_; }
    const std::vector<Group>& groups() const { return groups_; }
    // Whether several relocations change one instruction.
    bool shares_instructions() const { return shares_instructions_; }

    // Returns the extent of what a relocation refers to, in the object's types; zeros if it is invalid.
    Extent extent(std::uint32_t relocation) const;

    // Returns what a relocation refers to below its root type, as C: "a.b[3].c" of a field, the name of an
    // enumerator, "" of a type or an invalid relocation.
    std::string path_text(std::uint32_t relocation) const;

private:
    Relocation prepared(const Record& record) const;
    Group group_of(std::uint32_t root) const;

    std::shared_ptr<const Btf> btf_;
    std::vector<Relocation> relocations_;
    std::vector<Group> groups_;
    bool shares_instructions_ = false;
};

}  // namespace btfmmap::core_relo
