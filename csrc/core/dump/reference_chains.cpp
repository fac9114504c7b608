#include "core/dump/reference_chains.hpp"

namespace btfmmap {

using std::uint32_t;

// Visits each type once, although chains may share their ends.
ReferenceChains::ReferenceChains(const Btf& btf)
    : chains_(btf.index().end_id(), Chain{kUnknown, Kind::Void, false, false, false}) {
    std::vector<uint32_t> path;
    for (uint32_t id = 0; id != chains_.size(); ++id) {
        uint32_t at = id;
        while (chains_[at].end == kUnknown) {
            const TypeRecord record(btf, at);
            const bool named = record.index->name_off(record.row) != 0;
            chains_[at] = {at, record.kind(), named, named, named};  // also ends a cycle here
            uint32_t next = 0;
            if (!refers(record, next)) {
                break;
            }
            path.push_back(at);
            at = next;
        }
        for (Chain rest = chains_[at]; !path.empty(); path.pop_back()) {
            rest.first_named = chains_[path.back()].first_named;
            rest.some_named |= rest.first_named;
            chains_[path.back()] = rest;
        }
    }
}

bool ReferenceChains::refers(const TypeRecord& record, uint32_t& to) {
    switch (record.kind()) {
        case Kind::Array:
            to = record.word(kHeadSize + ArrayField::type);
            break;
        case Kind::TypeTag:
        case Kind::Const:
        case Kind::Ptr:
        case Kind::Volatile:
        case Kind::Restrict:
        case Kind::Typedef:
        case Kind::DeclTag:
            to = record.size_or_type();
            break;
        default:
            return false;
    }
    to = record.valid_or_void(to);
    return true;
}

}  // namespace btfmmap
