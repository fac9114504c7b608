#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/diff/interner.hpp"

// Spellings are numbered nodes: words that start with the kind of the node. Nodes refer to
// others by number, so equal spellings have equal numbers.
namespace btfmmap::diff {

enum class Spelled : std::uint32_t {
    nothing,      // the reference has no content, or forms a cycle
    empty,        // void
    named,        // kind, name
    qualified,    // set of qualifiers, node
    pointer,      // node
    array,        // number of elements, node
    prototype,    // nodes of the result and the parameters
    composite,    // kind, size; of each member: name, bit offset, bitfield size, node
    enumeration,  // size, flag; of each enumerator: name, low and high word of the value
    number,       // kind, size, encoding: an INT or FLOAT without a name
    holder,       // kind: "struct {...}"
};

constexpr std::uint32_t kConst = 1, kVolatile = 2, kRestrict = 4;

// Returns word `number` of a node; 0 past its end.
inline std::uint32_t word_of(std::string_view node, std::size_t number) {
    std::uint32_t word = 0;
    if (4 * number + 4 <= node.size()) {
        __builtin_memcpy(&word, node.data() + 4 * number, 4);
    }
    return word;
}

// Returns the C text of a spelling. Long or deeply nested ones are abbreviated by "...".
std::string spelled(const Interner& spellings, const Interner& names, std::uint32_t spelling);

// Returns the text of tags, which are a name with a NUL between them: "user, rcu".
std::string tags_text(const Interner& names, std::uint32_t tags);

// Counts the texts of spellings that are kept.
class SpelledSize {
public:
    // Throws Error (not_supported) if all of them exceed a limit.
    void add(std::size_t size);

private:
    std::uint64_t size_ = 0;
};

}  // namespace btfmmap::diff
