#include "core/dump/c_names.hpp"

#include <algorithm>
#include <functional>

#include "core/dump/c_spelling.hpp"

namespace btfmmap {

namespace {

constexpr std::size_t kMaxNumberedName = 255;  // maximum length of a name with a number

}  // namespace

std::size_t NameUses::add(std::string_view name) {
    if (used_ == entries_.size() / 4 * 3) {
        grow();
    }
    const std::size_t hash = std::hash<std::string_view>()(name);
    Entry& entry = find(name, hash);
    if (entry.uses == 0) {
        ++used_;
        entry = {name.data(), static_cast<std::uint32_t>(name.size()), 0, hash};
    }
    return ++entry.uses;
}

NameUses::Entry& NameUses::find(std::string_view name, std::size_t hash) {
    limits_.spend(name.size());
    for (std::size_t at = hash;; ++at) {
        limits_.step();  // a hostile file may contain names that collide
        Entry& entry = entries_[at & (entries_.size() - 1)];
        if (entry.uses == 0 || (entry.hash == hash && std::string_view(entry.name, entry.size) == name)) {
            return entry;
        }
    }
}

void NameUses::grow() {
    std::vector<Entry> old(std::max(kInitialSize, entries_.size() * 2));
    old.swap(entries_);
    for (const Entry& entry : old) {
        if (entry.uses != 0) {
            std::size_t at = entry.hash;
            while (entries_[at & (entries_.size() - 1)].uses != 0) {
                ++at;
            }
            entries_[at & (entries_.size() - 1)] = entry;
        }
    }
}

CNames::CNames(const Btf& btf, CLimits& limits, Conflicts conflicts, CDialect dialect)
    : btf_(btf),
      limits_(limits),
      conflicts_(conflicts),
      dialect_(dialect),
      tags_(limits),
      identifiers_(limits) {
    if (conflicts == Conflicts::numbered) {
        namings_.resize(btf.index().end_id());
    }
}

std::string_view CNames::string(std::uint32_t offset) const {
    if (offset == 0 || offset >= btf_.strings().end()) {
        return {};
    }
    const std::string_view string = btf_.strings().at(offset);
    limits_.spend(string.size());
    return string;
}

std::string_view CNames::unique(std::uint32_t id, NameUses& uses) {
    if (!has_name(id)) {
        return {};
    }
    const std::string_view name = legal(own(id));
    if (conflicts_ == Conflicts::ignored) {
        return name;
    }
    if (namings_[id] == Naming::unassigned) {
        namings_[id] = Naming::original;
        const Index& index = btf_.index().owner(id);
        const std::size_t row = id - index.first_id();
        const Kind kind = index.kind(row);
        // A forward declaration does not occupy the name.
        const bool declares =
            kind == Kind::Fwd || (kind == Kind::Enum && index.elements(row, shape_of(kind)) == 0);
        const std::size_t count = declares ? 1 : uses.add(name);
        if (count > 1) {
            std::string numbered_name =
                std::string(name.substr(0, kMaxNumberedName)) + "___" + std::to_string(count);
            numbered_name.resize(std::min(numbered_name.size(), kMaxNumberedName));
            numbered_names_[id] = std::move(numbered_name);
            namings_[id] = Naming::numbered;
        }
    }
    return namings_[id] == Naming::numbered ? std::string_view(numbered_names_[id]) : name;
}

std::string_view CNames::made_legal(std::string_view name) {
    limits_.spend(name.size());
    if (is_c_identifier(name, dialect_)) {
        return name;
    }
    const auto [entry, added] = legal_names_.try_emplace(name);
    if (added) {
        entry->second = c_identifier(name, dialect_);
    }
    return entry->second;
}

}  // namespace btfmmap
