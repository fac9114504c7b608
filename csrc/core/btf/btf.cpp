#include "core/btf/btf.hpp"

#include <algorithm>
#include <utility>

#include "core/base/error.hpp"
#include "core/base/release_base.hpp"
#include "core/index/distilled.hpp"
#include "core/index/validate_references.hpp"
#include "core/names/pointer_size.hpp"

namespace btfmmap {

namespace {

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

Btf::Btf(Mapping mapping, const std::string& name, std::shared_ptr<const Btf> base,
         std::uint32_t pointer_size)
    : base_(std::move(base)),
      mapping_(std::move(mapping)),
      header_(naming_input(name, [this] { return parse_header(mapping_.bytes(), base_ != nullptr); })),
      shapes_(header_.layout(mapping_.bytes()), base_ == nullptr ? nullptr : &base_->shapes_),
      index_(naming_input(name,
                          [this] {
                              return Index(type_section(), header_.order, shapes_.get(),
                                           base_ == nullptr ? nullptr : &base_->index_, header_.type_start());
                          })),
      strings_(string_section(), base_ == nullptr ? nullptr : &base_->strings_),
      pointer_size_(pointer_size),
      names_(index_, strings_),
      // All tables of a kernel together are 2.4 times as large as its type section.
      arena_(header_.type_size * 5 / 2) {
    if (base_ != nullptr && base_->header_.order != header_.order) {
        throw Error::format(name + ": its byte order differs from its base's");
    }
    naming_input(name, [this] { validate_references(index_, strings_.end(), header_.type_start()); });
}

Btf::~Btf() { release_base(base_); }

std::vector<const Btf*> Btf::levels() const {
    std::vector<const Btf*> levels;
    for (const Btf* level = this; level != nullptr; level = level->base_.get()) {
        levels.push_back(level);
    }
    std::reverse(levels.begin(), levels.end());
    return levels;
}

Bytes Btf::type_section() const { return header_.types(mapping_.bytes()); }

Bytes Btf::string_section() const { return header_.strings(mapping_.bytes()); }

bool Btf::distilled() const {
    return distilled_.get([this] { return is_distilled_base(index_); });
}

std::uint32_t Btf::pointer_size() const {
    for (const Btf* btf = this; btf != nullptr; btf = btf->base_.get()) {
        if (btf->pointer_size_ != 0) {
            return btf->pointer_size_;
        }
    }
    return derived_pointer_size_.get([this] {
        std::uint32_t size = 0;
        for (const Btf* btf = this; btf != nullptr; btf = btf->base_.get()) {
            const std::uint32_t own = size_of_long(btf->index_, btf->strings_);
            size = own == 0 ? size : own;  // the base is visited last and has priority
        }
        return size == 0 ? static_cast<std::uint32_t>(sizeof(void*)) : size;
    });
}

std::uint32_t Btf::check_id(std::int64_t type_id) const {
    if (type_id < 0 || type_id >= index_.end_id()) {
        throw Error::not_found("no type [" + std::to_string(type_id) + "]; the last one is [" +
                               std::to_string(std::int64_t{index_.end_id()} - 1) + "]");
    }
    return static_cast<std::uint32_t>(type_id);
}

Kind Btf::kind(std::int64_t type_id) const { return index_.kind_of(check_id(type_id)); }

std::string_view Btf::type_name(std::int64_t type_id) const {
    return btfmmap::type_name(index_, strings_, check_id(type_id));
}

Bytes Btf::type_name_start(std::int64_t type_id) const {
    return btfmmap::type_name_start(index_, strings_, check_id(type_id));
}

std::optional<std::uint32_t> Btf::find(std::string_view name, const Kinds& kinds) const {
    std::optional<std::uint32_t> lowest;
    for (const Btf* btf = this; btf != nullptr; btf = btf->base_.get()) {
        if (const auto found = btf->names().find(name, kinds)) {
            lowest = found;
        }
    }
    return lowest;
}

std::vector<std::uint32_t> Btf::find_all(std::string_view name, const Kinds& kinds) const {
    std::vector<std::uint32_t> ids;
    for (const Btf* btf = this; btf != nullptr; btf = btf->base_.get()) {
        const auto own = btf->names().find_all(name, kinds);
        ids.insert(ids.begin(), own.begin(), own.end());
    }
    return ids;
}

const RecordTable& Btf::table(std::size_t number, RecordTable::Columns wanted) const {
    tables_[number].build(kTables[number], index_, arena_, wanted);
    return tables_[number];
}

const RecordTable& Btf::table(std::string_view name, std::initializer_list<std::string_view> wanted) const {
    const std::size_t number = table_number(name);
    RecordTable::Columns columns = 0;
    for (const std::string_view each : wanted) {
        columns |= RecordTable::Columns{1} << column_number(kTables[number], each);
    }
    return table(number, columns);
}

}  // namespace btfmmap
