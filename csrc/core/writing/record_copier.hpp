#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/base/seeded_hash.hpp"
#include "core/btf/record.hpp"
#include "core/writing/draft.hpp"

namespace btfmmap::writing {

// Maps each type ID of a BTF and its bases to one of a draft, or to kDropped.
using IdMap = std::vector<std::uint32_t>;

// Reads the head of a record. The kind and the number of elements come from the index.
Head head_of(const TypeRecord& record);

// Throws Error (not_supported) for a record of a kind that only a layout section describes: its references
// cannot be found.
void check_known(const TypeRecord& record);

// Copies records of one BTF to a draft, with new name offsets and type IDs. Validates each reference again,
// because the bytes may have changed.
class RecordCopier {
public:
    enum class Names : std::uint8_t {
        pooled,    // adds the names to the draft's strings
        verbatim,  // the draft has the same strings at the same offsets
    };

    RecordCopier(const Btf& source, Draft& draft, Names names)
        : source_(source), draft_(draft), names_(names) {}

    // Appends one record. Throws Error, which names the record: not_supported for a kind that only a layout
    // section describes, invalid_argument if it refers to a dropped type or exceeds a limit, format if the
    // bytes changed.
    void copy(std::uint32_t type_id, const IdMap& ids);

    // Returns the draft's offset of a name of the source.
    std::uint32_t name(std::uint32_t offset);

private:
    std::uint32_t moved_type(std::uint32_t type_id, const IdMap& ids) const;
    Head moved_head(const TypeRecord& record, const IdMap& ids);
    // Moves what the words after a head refer to.
    void move_references(const Shape& shape, std::uint32_t* words, std::size_t count, const IdMap& ids);

    const Btf& source_;
    Draft& draft_;
    Names names_;
    // The offsets of names that were copied before: a hostile file may use one long string very often.
    std::unordered_map<std::uint32_t, std::uint32_t, SeededHash> offsets_;
};

}  // namespace btfmmap::writing
