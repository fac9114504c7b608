#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "core/arena.hpp"
#include "core/header.hpp"
#include "core/index.hpp"
#include "core/mapping.hpp"
#include "core/names.hpp"
#include "core/strings.hpp"
#include "core/tables.hpp"

namespace btfmmap {

// Built when first asked for, once, whichever thread asks.
template <class T>
class Lazy {
public:
    template <class Build>
    const T& get(Build build) const {
        std::call_once(once_, [&] { value_.emplace(build()); });
        return *value_;
    }

private:
    mutable std::once_flag once_;
    mutable std::optional<T> value_;
};

// One BTF: its bytes, the index over them, and what is derived from both on demand. Immutable.
class Btf {
public:
    // `name` is what error messages call the input. Throws Error.
    Btf(Mapping mapping, const std::string& name);

    Btf(const Btf&) = delete;
    Btf& operator=(const Btf&) = delete;

    const Mapping& mapping() const { return mapping_; }
    const Header& header() const { return header_; }
    const Index& index() const { return index_; }
    const Strings& strings() const { return strings_; }

    Bytes type_section() const;
    Bytes string_section() const;

    // In bytes, guessed as libbpf's btf__pointer_size does, from the INT named long.
    std::uint32_t pointer_size() const;

    // Throws Error (not_found) where there is no such id.
    std::string_view type_name(std::int64_t type_id) const;

    const Names& names() const;
    const Table& table(std::size_t kind) const;  // an index into kTables

private:
    Mapping mapping_;
    Header header_;
    Index index_;
    Strings strings_;
    Lazy<Names> names_;
    mutable Arena arena_;
    std::array<Lazy<Table>, kTables.size()> tables_;
};

}  // namespace btfmmap
