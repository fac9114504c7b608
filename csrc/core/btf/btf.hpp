#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/arena.hpp"
#include "core/format/header.hpp"
#include "core/format/shapes.hpp"
#include "core/index/index.hpp"
#include "core/input/mapping.hpp"
#include "core/names/names.hpp"
#include "core/names/strings.hpp"
#include "core/tables/tables.hpp"

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

// One BTF: its bytes, the index over them, and what is derived from both on demand; a split BTF also has its
// base, which it keeps. Immutable.
class Btf {
public:
    // `name` is what error messages call the input; `base` is nullptr for a BTF that stands alone;
    // `pointer_size` is 0 where nothing but the types can tell. Throws Error.
    Btf(Mapping mapping, const std::string& name, std::shared_ptr<const Btf> base,
        std::uint32_t pointer_size);
    ~Btf();

    Btf(const Btf&) = delete;
    Btf& operator=(const Btf&) = delete;

    const Mapping& mapping() const { return mapping_; }
    const std::shared_ptr<const Btf>& base() const { return base_; }
    const Header& header() const { return header_; }
    const FileShapes& shapes() const { return shapes_; }
    const Index& index() const { return index_; }
    const Strings& strings() const { return strings_; }

    Bytes type_section() const;
    Bytes string_section() const;

    // Whether this is a distilled base, whose structs and unions have sizes, but no members.
    bool distilled() const;

    // In bytes: as told at opening, else the base's, else guessed as libbpf's btf__pointer_size does, from
    // the INT named long, else the host's.
    std::uint32_t pointer_size() const;

    // Returns `type_id` as an unsigned number. Throws Error (not_found) if there is no such type.
    std::uint32_t check_id(std::int64_t type_id) const;

    // These call check_id().
    Kind kind(std::int64_t type_id) const;
    std::string_view type_name(std::int64_t type_id) const;
    // The name and what follows it, to the end of its section: without measuring it.
    Bytes type_name_start(std::int64_t type_id) const;

    // Of this BTF and its bases: the lowest type id of that name and of one of those kinds; all, ascending.
    std::optional<std::uint32_t> find(std::string_view name, const Kinds& kinds) const;
    std::vector<std::uint32_t> find_all(std::string_view name, const Kinds& kinds) const;

    // Without its bases'.
    const Names& names() const { return names_; }
    const Table& table(std::size_t kind) const;  // an index into kTables

private:
    std::shared_ptr<const Btf> base_;
    Mapping mapping_;
    Header header_;
    FileShapes shapes_;
    Index index_;
    Strings strings_;
    std::uint32_t pointer_size_;
    Names names_;
    mutable Arena arena_;
    std::array<Lazy<Table>, kTables.size()> tables_;
    Lazy<bool> distilled_;
};

}  // namespace btfmmap
