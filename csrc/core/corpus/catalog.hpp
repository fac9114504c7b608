#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "core/analysis/btf_sizes.hpp"
#include "core/base/release_base.hpp"
#include "core/diff/interner.hpp"
#include "core/fingerprint/declaration_fingerprints.hpp"

// The definitions of many kernels, each stored once.
namespace btfmmap::corpus {

// One BTF of a catalog, needed to add split BTFs that continue it.
struct Entry {
    ~Entry() { release_base(base); }

    std::vector<std::uint32_t> numbers;  // of the record of each row; void has 0
    std::vector<std::uint32_t> tokens;   // what other types refer to, per row
    // Types with this token or content so far, with the base's; per number.
    std::vector<std::uint32_t> counts;
    std::uint32_t cycles = 0;  // types without a name that contain themselves, with the base's
    std::uint32_t first_id = 0;
    std::shared_ptr<const BtfSizes> sizes;  // which `fingerprints` refers to
    std::unique_ptr<const DeclarationFingerprints> fingerprints;
    std::shared_ptr<const Entry> base;

    std::uint32_t token(std::uint32_t type_id) const {
        const Entry* level = this;
        while (type_id < level->first_id) {
            level = level->base.get();
        }
        return level->tokens[type_id - level->first_id];
    }
};

// Numbers the types of BTFs by content: equal types of different kernels have one number.
//
// A type refers to types with a name by kind and name, so that it is the same type in the next kernel, even
// if what it refers to has changed. Types without a name are part of what refers to them, and so are
// pointers, arrays, qualifiers and prototypes. Of types that have one kind and name in one kernel, all but
// the first have an ordinal, which references mention. So has each but the first of several equal types
// without a name. So references are unambiguous, and the BTF can be restored from its records, except for the
// order of its types.
//
// Not thread-safe.
class Catalog {
public:
    // Adds the types of a BTF, without those of its base. Throws Error (not_supported) if a limit is exceeded
    // or a kind is unknown; the catalog then may have more records, which no entry has.
    std::shared_ptr<const Entry> add(std::shared_ptr<const BtfSizes> sizes,
                                     std::shared_ptr<const Entry> base);

    // Numbers a name, or the words of a record that was stored.
    std::uint32_t add_name(std::string_view name) { return names_.intern(name); }
    std::uint32_t add_record(const std::uint32_t* words, std::size_t count);

    // Numbers the words of a record of another catalog. `names` and `records` have the numbers here of the
    // names, and of the records before this one, there. Throws Error (invalid_argument) if others are
    // referred to.
    std::uint32_t add_record_of(const std::uint32_t* words, std::size_t count,
                                const std::vector<std::uint32_t>& names,
                                const std::vector<std::uint32_t>& records);

    // Numbers are below these.
    std::uint32_t names() const { return names_.size(); }
    std::uint32_t records() const { return records_.size(); }
    std::string_view name(std::uint32_t number) const { return names_.text(number); }
    // Returns the words of a record. They have no alignment.
    std::string_view record(std::uint32_t number) const { return records_.text(number); }
    // Returns the numbers from `first` of types that C spells in full: without a name, and type tags.
    std::vector<std::uint32_t> unnamed(std::uint32_t first) const;
    // Returns the numbers of the types, or references, that records refer to, ascending; without void.
    std::vector<std::uint32_t> references(const std::vector<std::uint32_t>& numbers) const;
    // The memory of all names and records in bytes.
    std::uint64_t bytes() const { return names_.bytes() + records_.bytes(); }

private:
    class Addition;

    diff::Interner names_;
    diff::Interner records_;
    std::uint32_t last_added_ = 0;  // by add_record_of
    // Of one call, kept because new memory for each would cost more than what is done with it.
    std::vector<std::uint32_t> words_, name_numbers_;
};

}  // namespace btfmmap::corpus
