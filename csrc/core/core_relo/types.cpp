#include "core/core_relo/types.hpp"

namespace btfmmap::core_relo {

SizeResult size_of(const Btf& btf, std::uint32_t type_id) {
    constexpr unsigned max_depth = 32;
    std::uint32_t id = type_id;
    std::uint64_t elements = 1;
    for (unsigned depth = 0; depth != max_depth; ++depth) {
        const TypeRecord record(btf, id);
        std::uint64_t bytes = 0;
        switch (record.kind()) {
            case Kind::Int:
            case Kind::Struct:
            case Kind::Union:
            case Kind::Enum:
            case Kind::Enum64:
            case Kind::Datasec:
            case Kind::Float:
                bytes = record.size_or_type();
                break;
            case Kind::Ptr:
                bytes = btf.pointer_size();
                break;
            case Kind::Typedef:
            case Kind::Volatile:
            case Kind::Const:
            case Kind::Restrict:
            case Kind::Var:
            case Kind::DeclTag:
            case Kind::TypeTag:
                id = record.target();
                continue;
            case Kind::Array:
                elements *= array_length(record);
                if (elements > UINT32_MAX) {
                    return {Failure::too_big(Reason::size_too_large, type_id), 0};
                }
                id = record.target();
                continue;
            default:
                return {Failure::invalid(Reason::no_size, type_id), 0};
        }
        if (elements * bytes > UINT32_MAX) {
            return {Failure::too_big(Reason::size_too_large, type_id), 0};
        }
        return {{}, elements * bytes};
    }
    return {Failure::invalid(Reason::no_size, type_id), 0};
}

}  // namespace btfmmap::core_relo
