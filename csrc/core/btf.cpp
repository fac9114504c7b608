#include "core/btf.hpp"

#include <algorithm>
#include <utility>

#include "core/check.hpp"
#include "core/error.hpp"

namespace btfmmap {

namespace {

// The spellings that libbpf's determine_ptr_size knows.
constexpr std::string_view kLongNames[] = {
    "long",
    "long int",
    "int long",
    "unsigned long",
    "long unsigned",
    "unsigned long int",
    "unsigned int long",
    "long unsigned int",
    "long int unsigned",
    "int unsigned long",
    "int long unsigned",
};

template <class Work>
auto naming_input(const std::string& name, Work work) {
    try {
        return work();
    } catch (Error& error) {
        error.message = name + ": " + error.message;
        throw;
    }
}

}  // namespace

Btf::Btf(Mapping mapping, const std::string& name)
    : mapping_(std::move(mapping)),
      header_(naming_input(name, [this] { return parse_header(mapping_.bytes()); })),
      index_(
          naming_input(name, [this] { return Index(type_section(), header_.order, header_.type_start()); })),
      strings_(string_section()),
      // All tables of a kernel together take 2.4 times as much as its type section.
      arena_(std::size_t{header_.type_size} * 5 / 2) {
    naming_input(name, [this] { check_references(index_, header_.string_size, header_.type_start()); });
}

Bytes Btf::type_section() const { return mapping_.bytes().slice(header_.type_start(), header_.type_size); }

Bytes Btf::string_section() const {
    return mapping_.bytes().slice(header_.string_start(), header_.string_size);
}

std::uint32_t Btf::pointer_size() const {
    for (std::size_t row = 0; row != index_.rows(); ++row) {
        if (index_.kind(row) != Kind::Int) {
            continue;
        }
        const std::uint32_t size = index_.load(index_.record(row) + HeadField::size_or_type);
        if (size != 4 && size != 8) {
            continue;
        }
        // Not by measuring the name first: a hostile file gives each of a million INTs one of megabytes.
        const std::uint32_t name_off = index_.name_off(row);
        if (std::any_of(std::begin(kLongNames), std::end(kLongNames),
                        [&](std::string_view name) { return strings_.equals(name_off, name); })) {
            return size;
        }
    }
    return sizeof(void*);
}

std::string_view Btf::type_name(std::int64_t type_id) const {
    if (type_id < 0 || static_cast<std::uint64_t>(type_id) >= index_.rows()) {
        throw Error::not_found("no type [" + std::to_string(type_id) + "]; the last one is [" +
                               std::to_string(index_.rows() - 1) + "]");
    }
    return btfmmap::type_name(index_, strings_, static_cast<std::uint32_t>(type_id));
}

const Names& Btf::names() const {
    return names_.get([this] { return Names(index_, strings_); });
}

const Table& Btf::table(std::size_t kind) const {
    return tables_[kind].get([this, kind] { return kTables[kind].build(index_, arena_); });
}

}  // namespace btfmmap
