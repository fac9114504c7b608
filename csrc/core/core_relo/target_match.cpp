#include "core/core_relo/target_match.hpp"

#include <cstring>

#include "core/core_relo/access_string.hpp"
#include "core/core_relo/essential_name.hpp"
#include "core/core_relo/type_match.hpp"
#include "core/core_relo/types.hpp"

namespace btfmmap::core_relo {

namespace {

using std::uint32_t;

// A name to look for among many. The first eight bytes, or of a shorter name all bytes and the NUL, are
// compared as one number before the rest.
class WantedName {
public:
    explicit WantedName(std::string_view name) : name_(name) {
        constexpr std::size_t chunk_size = sizeof prefix_;
        std::byte chunk[chunk_size] = {};
        std::memcpy(chunk, name.data(), std::min(name.size(), chunk_size));
        prefix_ = Load<ByteOrder::little>::u64(chunk);
        const std::size_t compared = std::min(name.size() + 1, chunk_size);
        compared_ = ~std::uint64_t{0} >> 8 * (chunk_size - compared);
    }

    bool is(const Strings& strings, uint32_t offset) const {
        if (offset >= strings.end()) {
            return false;
        }
        const Bytes bytes = strings.rest(offset);
        if (bytes.size >= sizeof prefix_ &&
            ((Load<ByteOrder::little>::u64(bytes.data) ^ prefix_) & compared_) != 0) {
            return false;
        }
        return has_name(strings, offset, name_);
    }

private:
    std::string_view name_;
    std::uint64_t prefix_;
    std::uint64_t compared_;
};

// Follows the accessors of a field through the target's types.
class FieldMatcher {
public:
    FieldMatcher(const Btf& local, const Btf& target, Budget& budget, std::vector<MemberStep>* steps)
        : local_(local), target_(target), budget_(budget), steps_(steps) {}

    Match match(const LocalPath& path, uint32_t candidate) {
        type_ = candidate;
        Match match;
        for (const Accessor& accessor : path.accessors) {
            const bool is_root = &accessor == path.accessors.data();
            const auto resolved = resolve(target_, type_);
            if (!resolved) {
                match.failure = Failure::invalid(Reason::chain_too_long, type_);
                return match;
            }
            type_ = *resolved;
            const Verdict verdict =
                accessor.named ? enter_member(accessor) : enter_element(accessor, is_root);
            if (!verdict.yes) {
                match.failure = verdict.failure ? verdict.failure : missing_;
                return match;
            }
            ++match.step;
        }
        match.found = true;
        match.position = position_;
        return match;
    }

private:
    Verdict missing(Reason reason, uint32_t type, std::uint64_t number = 0) {
        missing_ = {reason, 0, type, number};
        return Verdict::of(false);
    }

    Verdict enter_element(const Accessor& accessor, bool is_root) {
        if (!is_root) {
            const TypeRecord array(target_, type_);
            if (array.kind() != Kind::Array) {
                return missing(Reason::not_an_array, type_);
            }
            const uint32_t length = array_length(array);
            const bool flexible =
                position_.named && is_flexible(array, TypeRecord(target_, position_.type), position_.index);
            if (!flexible && accessor.index >= length) {
                return missing(Reason::element_missing, type_, length);
            }
            const auto element = resolve(target_, array.target());
            if (!element) {
                return Verdict::failed(Failure::invalid(Reason::chain_too_long, array.target()));
            }
            type_ = *element;
        }
        if (numbers_ == kMaxAccessors) {
            return Verdict::failed(Failure::too_big(Reason::nesting_too_deep, type_));
        }
        ++numbers_;
        const SizeResult size = size_of(target_, type_);
        if (size.failure) {
            return Verdict::failed(size.failure);
        }
        const auto bits = static_cast<uint32_t>(accessor.index * size.bytes * 8);
        position_ = {position_.bit_offset + bits, type_, accessor.index, false};
        return Verdict::of(true);
    }

    Verdict enter_member(const Accessor& accessor) {
        missing(Reason::member_missing, type_);
        return find_member(accessor, WantedName(accessor.name), type_);
    }

    // Searches depth first. Recurses into members without a name, at most kMaxAccessors times.
    //
    // As in libbpf, an incompatible member of that name ends the search in its own struct only, and its
    // offset is not subtracted again. This makes a difference only if a struct has two members of one name.
    Verdict find_member(const Accessor& wanted, const WantedName& name, uint32_t type) {
        const auto resolved = resolve(target_, type);
        if (!resolved) {
            return Verdict::failed(Failure::invalid(Reason::chain_too_long, type));
        }
        const TypeRecord record(target_, *resolved);
        if (!is_composite(record.kind())) {
            return Verdict::of(false);
        }
        const uint32_t count = record.elements();
        const Strings& strings = target_.strings();
        for (uint32_t number = 0; number != count; ++number) {
            if (numbers_ == kMaxAccessors) {
                return Verdict::failed(Failure::too_big(Reason::nesting_too_deep, record.id));
            }
            if (!budget_.spend()) {
                return Verdict::failed(Failure::too_big(Reason::too_much_work, record.id));
            }
            const uint32_t name_off = record.load(record.element(number) + MemberField::name_off);
            if (name.is(strings, name_off)) {
                return take_member(wanted, record, number);
            }
            if (name_off != 0 && !has_name(strings, name_off, {})) {
                continue;
            }
            const Member member = member_of(record, number);
            position_.bit_offset += member.bit_offset;
            ++numbers_;
            const Verdict verdict = find_member(wanted, name, member.type);
            if (verdict.yes || verdict.failure) {
                add_step(record.id, number);
                return verdict;
            }
            position_.bit_offset -= member.bit_offset;
            --numbers_;
        }
        return Verdict::of(false);
    }

    Verdict take_member(const Accessor& wanted, const TypeRecord& record, uint32_t number) {
        const Member member = member_of(record, number);
        position_.bit_offset += member.bit_offset;
        ++numbers_;
        const Verdict verdict =
            are_fields_compatible({local_, wanted.member_type, target_, member.type}, budget_);
        if (verdict.yes) {
            position_ = {position_.bit_offset, record.id, number, true};
            type_ = member.type;
            add_step(record.id, number);
        } else if (!verdict.failure) {
            missing(Reason::member_incompatible, record.id, number);
        }
        return verdict;
    }

    // The steps through members without a name are added after the one that they lead to.
    void add_step(uint32_t type, uint32_t number) {
        if (steps_ != nullptr) {
            steps_->push_back({type, number});
        }
    }

    const Btf& local_;
    const Btf& target_;
    Budget& budget_;
    std::vector<MemberStep>* steps_;
    uint32_t type_ = 0;
    Position position_;
    std::size_t numbers_ = 0;  // as libbpf's raw_len
    Failure missing_;
};

Match match_enumerator(const Accessor& wanted, const Btf& target, uint32_t candidate, Budget& budget) {
    Match match;
    const auto resolved = resolve(target, candidate);
    if (!resolved) {
        match.failure = Failure::invalid(Reason::chain_too_long, candidate);
        return match;
    }
    const TypeRecord record(target, *resolved);
    if (!is_enum(record.kind())) {
        match.failure = {Reason::types_differ, 0, candidate, 0};
        return match;
    }
    const std::string_view name = essential(wanted.name);
    const uint32_t count = record.elements();
    for (uint32_t number = 0; number != count; ++number) {
        if (!budget.spend(1 + name.size() / 64)) {
            match.failure = Failure::too_big(Reason::too_much_work, record.id);
            return match;
        }
        if (has_essential_name(target.strings(), record.load(record.element(number) + EnumField::name_off),
                               name)) {
            match.found = true;
            match.position = {0, record.id, number, true};
            return match;
        }
    }
    match.failure = {Reason::enumerator_missing, 0, record.id, 0};
    return match;
}

Match match_type(const TypePair& types, ReloKind kind, Budget& budget) {
    const Verdict verdict =
        kind == ReloKind::TypeMatches ? do_types_match(types, budget) : are_types_compatible(types, budget);
    Match match;
    match.found = verdict.yes;
    match.failure = verdict.failure;
    if (!verdict.yes && !verdict.failure) {
        match.failure = {Reason::types_differ, 0, types.target_id, 0};
    }
    return match;
}

}  // namespace

Match match_candidate(const Btf& local, ReloKind kind, const LocalPath& path, const Btf& target,
                      std::uint32_t candidate, Budget& budget, std::vector<MemberStep>* steps) {
    if (is_field(kind)) {
        return FieldMatcher(local, target, budget, steps).match(path, candidate);
    }
    return is_enum_value(kind) ? match_enumerator(path.accessors[0], target, candidate, budget)
                               : match_type({local, path.root, target, candidate}, kind, budget);
}

}  // namespace btfmmap::core_relo
