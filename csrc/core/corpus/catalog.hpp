#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "core/analysis/btf_sizes.hpp"
#include "core/corpus/addition.hpp"
#include "core/corpus/entry.hpp"

// The definitions of many kernels, each stored once.
namespace btfmmap::corpus {

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
    std::uint32_t add_name(std::string_view name) { return store_.names.intern(name); }
    std::uint32_t add_record(const std::uint32_t* words, std::size_t count);

    // Numbers the words of a record of another catalog. `names` and `records` have the numbers here of the
    // names, and of the records before this one, there. Throws Error (invalid_argument) if others are
    // referred to.
    std::uint32_t add_record_of(const std::uint32_t* words, std::size_t count,
                                const std::vector<std::uint32_t>& names,
                                const std::vector<std::uint32_t>& records);

    // Numbers are below these.
    std::uint32_t names() const { return store_.names.size(); }
    std::uint32_t records() const { return store_.records.size(); }
    std::string_view name(std::uint32_t number) const { return store_.names.text(number); }
    // Returns the words of a record. They have no alignment.
    std::string_view record(std::uint32_t number) const { return store_.records.text(number); }
    // Returns the numbers from `first` of types that C spells in full: without a name, and type tags.
    std::vector<std::uint32_t> unnamed(std::uint32_t first) const;
    // Returns the numbers of the types, or references, that records refer to, ascending; without void.
    std::vector<std::uint32_t> references(const std::vector<std::uint32_t>& numbers) const;
    // The memory of all names and records in bytes.
    std::uint64_t bytes() const { return store_.names.bytes() + store_.records.bytes(); }

private:
    using EntryPtr = std::shared_ptr<const Entry>;

    EntryPtr add_after_similar(const std::shared_ptr<const BtfSizes>& sizes);
    EntryPtr add_after(const std::shared_ptr<const BtfSizes>& sizes, const Entry& before,
                       const RowPairs& pairs);
    void keep(const EntryPtr& entry, const Entry* replaced);

    Store store_;
    std::vector<EntryPtr> kept_;    // standalone BTFs that were added last, the last one first
    std::uint32_t last_added_ = 0;  // by add_record_of
};

}  // namespace btfmmap::corpus
