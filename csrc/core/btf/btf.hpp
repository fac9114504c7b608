#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/arena.hpp"
#include "core/base/lazy.hpp"
#include "core/format/header.hpp"
#include "core/format/shapes.hpp"
#include "core/index/index.hpp"
#include "core/input/mapping.hpp"
#include "core/names/names.hpp"
#include "core/names/strings.hpp"
#include "core/tables/record_table.hpp"
#include "core/tables/tables.hpp"

namespace btfmmap {

// One BTF: its bytes, their index, and data derived from them on first use. A split BTF shares ownership of
// its base. Immutable and thread-safe.
class Btf {
public:
    // `name` is the name of the input in error messages. `base` is nullptr for a standalone BTF.
    // `pointer_size` is in bytes, or 0 to derive it from the types. Throws Error.
    Btf(Mapping mapping, const std::string& name, std::shared_ptr<const Btf> base,
        std::uint32_t pointer_size);
    ~Btf();

    Btf(const Btf&) = delete;
    Btf& operator=(const Btf&) = delete;

    const Mapping& mapping() const { return mapping_; }
    const std::shared_ptr<const Btf>& base() const { return base_; }
    // Returns the bases and this BTF in the order of their type IDs: the lowest base first, this BTF last.
    std::vector<const Btf*> levels() const;
    const Header& header() const { return header_; }
    const FileShapes& shapes() const { return shapes_; }
    const Index& index() const { return index_; }
    const Strings& strings() const { return strings_; }

    Bytes type_section() const;
    Bytes string_section() const;

    // Whether this is a distilled base: its structs and unions have sizes, but no members.
    bool distilled() const;

    // Returns the size of a pointer in bytes. This is the size that was given to the constructor of this BTF
    // or of one of its bases. If none was given, it is the size of the INT named long, as in libbpf's
    // btf__pointer_size. If there is no such INT, it is the pointer size of the host.
    std::uint32_t pointer_size() const;

    // Returns `type_id` as an unsigned number. Throws Error (not_found) if there is no such type.
    std::uint32_t check_id(std::int64_t type_id) const;

    // kind(), type_name() and type_name_start() call check_id().
    Kind kind(std::int64_t type_id) const;
    std::string_view type_name(std::int64_t type_id) const;
    // Returns the bytes from the start of the name to the end of its string section. Does not search for the
    // NUL.
    Bytes type_name_start(std::int64_t type_id) const;

    // Search this BTF and its bases for types with that name and one of those kinds. find() returns the
    // lowest type ID, find_all() returns all of them in ascending order.
    std::optional<std::uint32_t> find(std::string_view name, const Kinds& kinds) const;
    std::vector<std::uint32_t> find_all(std::string_view name, const Kinds& kinds) const;

    // The names of this BTF's own types, without those of its base.
    const Names& names() const { return names_; }
    // Returns the table kTables[number] of this BTF's own types, without those of its base. Builds the wanted
    // columns; others may be missing.
    const RecordTable& table(std::size_t number, RecordTable::Columns wanted) const;
    const RecordTable& table(std::string_view name, std::initializer_list<std::string_view> wanted) const;

private:
    std::shared_ptr<const Btf> base_;
    Mapping mapping_;
    Header header_;
    FileShapes shapes_;
    Index index_;
    Strings strings_;
    std::uint32_t pointer_size_;  // as given to the constructor
    Lazy<std::uint32_t> derived_pointer_size_;
    Names names_;
    mutable Arena arena_;
    mutable std::array<RecordTable, kTables.size()> tables_;
    Lazy<bool> distilled_;
};

}  // namespace btfmmap
