#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "core/analysis/fields.hpp"

namespace btfmmap {

// Keeps the fields of the structs and unions that were asked for. Thread-safe. Everything is dropped before
// the entries exceed kMaxKept fields, about 20 MB with their indexes.
class FieldsCache {
public:
    static constexpr std::size_t kMaxKept = std::size_t{1} << 18;

    // `type_id` must be a STRUCT or UNION of the BTF.
    std::shared_ptr<const Fields> get(const Btf& btf, const Sizes& sizes, std::uint32_t type_id);

private:
    // What the entry of a struct costs beside its fields, in fields.
    static constexpr std::size_t kEntryCost = 8;

    std::mutex mutex_;
    std::size_t kept_ = 0;
    std::unordered_map<std::uint32_t, std::shared_ptr<const Fields>> entries_;
};

}  // namespace btfmmap
