#include "core/writing/closure.hpp"

#include "core/btf/record.hpp"
#include "core/index/references.hpp"
#include "core/writing/record_copier.hpp"

namespace btfmmap::writing {

using std::uint32_t;

std::vector<bool> closure_of(const Btf& btf, const std::vector<uint32_t>& roots, Closure closure,
                             uint32_t shared_end) {
    std::vector<bool> taken(btf.index().end_id());
    std::vector<uint32_t> pending;
    const auto take = [&](uint32_t id) {
        if (id != 0 && id >= shared_end && id < taken.size() && !taken[id]) {
            taken[id] = true;
            pending.push_back(id);
        }
    };
    for (const uint32_t root : roots) {
        take(root);
    }
    if (closure == Closure::none) {
        return taken;
    }
    while (!pending.empty()) {
        const TypeRecord record(btf, pending.back());
        pending.pop_back();
        check_known(record);
        if (closure == Closure::pointers && record.kind() == Kind::Ptr) {
            continue;
        }
        each_reference(*record.index, record.row, [&](Reference reference, const std::byte* word) {
            if (reference == Reference::type) {
                take(record.load(word));
            }
        });
    }
    return taken;
}

uint32_t declared_behind_pointer(const Btf& btf, uint32_t type_id) {
    constexpr unsigned max_chain = 256;
    for (unsigned links = 0; links != max_chain; ++links) {
        const TypeRecord record(btf, type_id);
        if (is_modifier_or_typedef(record.kind())) {
            type_id = record.target();
            continue;
        }
        const bool declared = is_composite(record.kind()) || record.kind() == Kind::Fwd;
        const std::uint32_t name_off = record.index->name_off(record.row);
        const bool named = name_off < btf.strings().end() && !btf.strings().prefix(name_off, 1).empty();
        return declared && named ? type_id : 0;
    }
    return 0;
}

}  // namespace btfmmap::writing
