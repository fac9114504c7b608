#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/index/index.hpp"
#include "core/names/strings.hpp"

namespace btfmmap::core_relo {

// The types of one index, without those of its base, whose names have a flavour, by essential name. Few names
// have one, so the string section is searched for "___", and not the name of each type. The index, the
// strings and the base must outlive this object.
class FlavouredNames {
public:
    // `base` has the names of the base; it is nullptr for a standalone BTF.
    FlavouredNames(const Index& index, const Strings& strings, const FlavouredNames* base);

    // Calls `visit(row)` for the rows with that essential name and a flavour, in ascending order.
    template <class Visit>
    void each(std::string_view essential, Visit visit) const {
        const std::uint32_t hash = hash_of(essential);
        for (std::size_t at = first(hash); at != names_.size() && names_[at].hash == hash; ++at) {
            if (is(names_[at], essential)) {
                visit(names_[at].row);
            }
        }
    }

private:
    // A string of the section that contains a separator: the offset of its first character, and that of the
    // last character before its last separator. A name that starts in this range has a flavour.
    struct Span {
        std::uint64_t start;
        std::uint64_t last;
    };
    struct Name {
        std::uint32_t hash;  // of the essential name
        std::uint32_t row;
        std::uint32_t offset;
        std::uint32_t size;  // of the essential name
    };

    static std::uint32_t hash_of(std::string_view essential);

    void find_spans(Bytes section, std::uint64_t start);
    void add_separator(Bytes section, std::uint64_t start, std::size_t last);
    // Returns the size of the essential name of the string at `offset`; 0 if it has no flavour.
    std::uint64_t size_at(std::uint64_t offset) const;
    std::size_t first(std::uint32_t hash) const;
    bool is(const Name& name, std::string_view essential) const;

    const Strings& strings_;
    const FlavouredNames* base_;
    std::vector<Span> spans_;            // ascending
    std::vector<std::uint64_t> blocks_;  // a bit per block of offsets, set if a span reaches into it
    std::vector<Name> names_;            // in the order of hashes and rows
};

}  // namespace btfmmap::core_relo
