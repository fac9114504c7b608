#include "core/core_relo/local_path.hpp"

#include "core/core_relo/access_string.hpp"
#include "core/core_relo/essential_name.hpp"
#include "core/core_relo/types.hpp"

namespace btfmmap::core_relo {

namespace {

using std::uint32_t;

Failure read_name(const Btf& btf, uint32_t offset, uint32_t owner, std::string_view& name) {
    name = name_at(btf.strings(), offset);
    return name.size() > kMaxNameSize ? Failure::invalid(Reason::name_too_long, owner) : Failure();
}

Failure parse_enumerator(const Btf& btf, uint32_t type, const std::vector<uint32_t>& numbers,
                         LocalPath& path) {
    const TypeRecord record(btf, type);
    if (!is_enum(record.kind())) {
        return Failure::invalid(Reason::not_an_enum, type);
    }
    if (numbers.size() != 1) {
        return Failure::invalid(Reason::access_too_long, type, numbers.size());
    }
    const uint32_t index = numbers[0];
    if (index >= record.elements()) {
        return Failure::invalid(Reason::no_such_enumerator, type, index);
    }
    Accessor& accessor = path.accessors.emplace_back(Accessor{type, index, 0, true, {}});
    path.position = {0, type, index, true};
    return read_name(btf, record.load(record.element(index) + EnumField::name_off), type, accessor.name);
}

// Follows the numbers after the first one from the root type, below its typedefs.
class FieldParser {
public:
    FieldParser(const Btf& btf, LocalPath& path) : btf_(btf), path_(path) {}

    Failure parse(uint32_t root, const std::vector<uint32_t>& numbers) {
        type_ = root;
        if (const Failure failure = add_element(root, numbers[0])) {
            return failure;
        }
        for (std::size_t i = 1; i != numbers.size(); ++i) {
            const auto resolved = resolve(btf_, type_);
            if (!resolved) {
                return Failure::invalid(Reason::chain_too_long, type_);
            }
            const TypeRecord record(btf_, *resolved);
            Failure failure;
            if (is_composite(record.kind())) {
                failure = enter_member(record, numbers[i]);
            } else if (record.kind() == Kind::Array) {
                failure = enter_element(record, numbers[i]);
            } else {
                failure = Failure::invalid(Reason::not_composite, record.id);
            }
            if (failure) {
                return failure;
            }
        }
        const Accessor& last = path_.accessors.back();
        path_.position = {bit_offset_, last.type, last.index, last.named};
        return {};
    }

private:
    Failure add_element(uint32_t type, uint32_t index) {
        path_.accessors.push_back({type, index, 0, false, {}});
        const SizeResult size = size_of(btf_, type);
        bit_offset_ += static_cast<uint32_t>(index * size.bytes * 8);
        return size.failure;
    }

    Failure enter_member(const TypeRecord& record, uint32_t index) {
        if (index >= record.elements()) {
            return Failure::invalid(Reason::no_such_member, record.id, index);
        }
        const Member member = member_of(record, index);
        bit_offset_ += member.bit_offset;
        type_ = member.type;
        if (member.name_off == 0) {
            return {};
        }
        std::string_view name;
        const Failure failure = read_name(btf_, member.name_off, record.id, name);
        path_.accessors.push_back({record.id, index, member.type, true, name});
        return name.empty() ? Failure::invalid(Reason::nameless_member, record.id, index) : failure;
    }

    Failure enter_element(const TypeRecord& array, uint32_t index) {
        const auto element = resolve(btf_, array.target());
        if (!element) {
            return Failure::invalid(Reason::chain_too_long, array.target());
        }
        const Accessor& before = path_.accessors.back();
        const bool flexible = before.named && is_flexible(array, TypeRecord(btf_, before.type), before.index);
        if (!flexible && index >= array_length(array)) {
            return Failure::invalid(Reason::no_such_element, array.id, index);
        }
        type_ = *element;
        return add_element(*element, index);
    }

    const Btf& btf_;
    LocalPath& path_;
    uint32_t type_ = 0;
    uint32_t bit_offset_ = 0;  // modulo 2^32, as in libbpf
};

}  // namespace

Failure parse_local_path(const Btf& btf, ReloKind kind, std::uint32_t root, std::uint32_t access_off,
                         LocalPath& path) {
    path = LocalPath();
    path.root = root;
    if (!is_known(kind)) {
        return Failure::invalid(Reason::unknown_kind);
    }
    const std::string_view text = btf.strings().prefix(access_off, kMaxAccessSize + 1);
    if (is_type(kind)) {
        return text == "0" ? Failure() : Failure::invalid(Reason::access_not_zero);
    }
    std::vector<uint32_t> numbers;
    if (const Failure failure = parse_access_string(text, numbers)) {
        return failure;
    }
    const auto resolved = resolve(btf, root);
    if (!resolved) {
        return Failure::invalid(Reason::chain_too_long, root);
    }
    return is_enum_value(kind) ? parse_enumerator(btf, *resolved, numbers, path)
                               : FieldParser(btf, path).parse(*resolved, numbers);
}

}  // namespace btfmmap::core_relo
