#include "core/core_relo/object.hpp"

#include <map>
#include <unordered_map>
#include <utility>

#include "core/core_relo/essential_name.hpp"
#include "core/core_relo/types.hpp"

namespace btfmmap::core_relo {

Object::Object(std::shared_ptr<const Btf> btf, const std::vector<Record>& records) : btf_(std::move(btf)) {
    std::unordered_map<std::uint32_t, std::uint32_t> groups;
    std::map<std::pair<const std::byte*, std::uint32_t>, std::uint32_t> latest;
    relocations_.reserve(records.size());
    for (const Record& record : records) {
        Relocation& relocation = relocations_.emplace_back(prepared(record));
        const auto [group, added] =
            groups.try_emplace(record.root, static_cast<std::uint32_t>(groups_.size()));
        if (added) {
            groups_.push_back(group_of(record.root));
        }
        relocation.group = group->second;
        if (relocation.code.failure) {
            continue;
        }
        const auto number = static_cast<std::uint32_t>(relocations_.size() - 1);
        const auto [same, first] = latest.try_emplace({record.section.data, record.insn_off}, number);
        if (!first) {
            relocation.earlier = std::exchange(same->second, number);
            shares_instructions_ = true;
        }
    }
}

Relocation Object::prepared(const Record& record) const {
    const ByteOrder order = btf_->header().order;
    Relocation relocation{};
    relocation.kind = record.kind;
    relocation.root = record.root;
    relocation.earlier = Relocation::kNone;
    if (record.section.data == nullptr) {
        relocation.code.failure.reason = Reason::no_section;
    } else {
        relocation.code = read_code(record.section, record.insn_off, order);
    }
    relocation.failure =
        parse_local_path(*btf_, record.kind, record.root, record.access_off, relocation.path);
    if (relocation.failure) {
        relocation.failure.error = EINVAL;  // libbpf reports no other error of an access string
    } else {
        relocation.local = value_of(*btf_, record.kind, record.root, relocation.path.position, order);
    }
    return relocation;
}

Group Object::group_of(std::uint32_t root) const {
    const TypeRecord record(*btf_, root);
    const std::string_view name = name_at(btf_->strings(), record.index->name_off(record.row));
    Group group{record.kind(), essential(name), {}};
    if (name.empty()) {
        // The search for candidates fails in libbpf before the relocation is found to be unsupported.
        group.failure = Failure::invalid(Reason::nameless_root, root);
    } else if (name.size() > kMaxNameSize) {
        group.failure = Failure::invalid(Reason::name_too_long, root);
    }
    return group;
}

Extent Object::extent(std::uint32_t number) const {
    const Relocation& relocation = relocations_[number];
    const Position& position = relocation.path.position;
    Extent extent;
    if (relocation.failure) {
        return extent;
    }
    std::uint32_t type = is_type(relocation.kind) ? relocation.root : position.type;
    if (is_field(relocation.kind)) {
        extent.bit_offset = position.bit_offset;
        if (position.named) {
            const Member member = member_of(TypeRecord(*btf_, position.type), position.index);
            extent.bitfield_size = member.bitfield_size;
            type = member.type;
        }
    }
    extent.bytes = static_cast<std::uint32_t>(size_of(*btf_, type).bytes);
    return extent;
}

std::string Object::path_text(std::uint32_t number) const {
    const Relocation& relocation = relocations_[number];
    std::string text;
    if (relocation.failure) {
        return text;
    }
    const auto& accessors = relocation.path.accessors;
    for (std::size_t i = 0; i != accessors.size(); ++i) {
        if (accessors[i].named) {
            text += text.empty() ? "" : ".";
            text += accessors[i].name;
        } else if (i != 0 || accessors[i].index != 0) {
            text += "[" + std::to_string(accessors[i].index) + "]";
        }
    }
    return text;
}

}  // namespace btfmmap::core_relo
