#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "core/writing/closure.hpp"
#include "core/writing/record_copier.hpp"

namespace btfmmap::writing {

// Adds types of one BTF to a draft, in any number of calls. A type is added once.
class Selection {
public:
    Selection(const Btf& source, Draft& draft);

    // Adds the types in the closure of `roots`, in ascending order of their IDs; then the forward
    // declarations that Closure::pointers makes. Throws Error: not_found for an ID that does not exist,
    // invalid_argument if Closure::none leaves a reference without a type. The draft is then unchanged, but
    // may have more strings.
    void add(const std::vector<std::uint32_t>& roots, Closure closure);

    // The IDs in the draft of all types of the source.
    const IdMap& ids() const { return ids_; }

private:
    // The name of a forward declaration in the draft's strings, and whether it is one of a union.
    using Declaration = std::pair<std::uint32_t, bool>;

    void assign(std::uint32_t type_id, std::uint32_t new_id);
    void plan_pointers(const std::vector<std::uint32_t>& added);
    void write(const std::vector<std::uint32_t>& added);

    const Btf& source_;
    Draft& draft_;
    std::uint32_t shared_end_;
    RecordCopier copier_;
    IdMap ids_;
    std::map<Declaration, std::uint32_t> declarations_;
    // Of the current call: what pointers refer to that are not in ids_, and new declarations in order.
    std::vector<std::pair<std::uint32_t, std::uint32_t>> pointed_;
    std::vector<Declaration> new_declarations_;
};

}  // namespace btfmmap::writing
