#include "core/kernel_rules/special_fields.hpp"
#include "core/base/merge_sort.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace btfmmap::kernel_rules {

using std::uint32_t;
using std::uint8_t;

namespace {

enum class Special : uint8_t {
    spin_lock,
    res_spin_lock,
    list_head,
    list_node,
    rb_root,
    rb_node,
    refcount,
    kptr
};

struct SpecialType {
    Special special;
    std::string_view name;
    uint32_t size, alignment;
    bool unique;         // at most one in a struct
    bool is_looked_for;  // a struct with such a member is checked
};

// Those of the kernel that a struct may have outside of a map.
constexpr SpecialType kSpecialTypes[] = {
    {Special::spin_lock, "bpf_spin_lock", 4, 4, true, true},
    {Special::res_spin_lock, "bpf_res_spin_lock", 4, 4, true, false},
    {Special::list_head, "bpf_list_head", 16, 8, false, true},
    {Special::list_node, "bpf_list_node", 24, 8, false, true},
    {Special::rb_root, "bpf_rb_root", 16, 8, false, true},
    {Special::rb_node, "bpf_rb_node", 32, 8, false, true},
    {Special::refcount, "bpf_refcount", 4, 4, false, true},
};
constexpr std::string_view kSpecialPrefix = "bpf_";
constexpr SpecialType kKernelPointer{Special::kptr, "", 8, 8, false, true};

// What the kernel compares with for a name offset of 0.
constexpr std::string_view kNoName = "(anon)";

constexpr std::string_view kContains = "contains:";
constexpr std::string_view kPointerTags[] = {"kptr", "kptr_untrusted", "percpu_kptr"};
constexpr std::string_view kUserPointerTag = "uptr";  // of maps only

constexpr uint8_t bit(Special special) { return static_cast<uint8_t>(1U << static_cast<unsigned>(special)); }
constexpr uint8_t kLocks = bit(Special::spin_lock) | bit(Special::res_spin_lock);
constexpr uint8_t kRoots = bit(Special::list_head) | bit(Special::rb_root);
constexpr uint8_t kNodes = bit(Special::list_node) | bit(Special::rb_node);
// What an array may hold.
constexpr uint8_t kRepeatable = kRoots | bit(Special::kptr);

bool is_root(Special special) { return (bit(special) & kRoots) != 0; }

struct Field {
    const SpecialType* type = nullptr;
    uint32_t offset = 0;  // in bytes
    // Of a root: the struct that it contains, and the name of its node.
    uint32_t value = 0;
    std::string_view node;
};

// What a struct owns and is owned through.
struct Owner {
    uint32_t type_id;
    uint8_t fields;  // bits of Special
    std::vector<uint32_t> values;
};

struct Tag {
    uint32_t target;
    std::int32_t component;
    uint32_t name_off;

    bool operator<(const Tag& other) const {
        return target != other.target ? target < other.target : component < other.component;
    }
};

class SpecialFields {
public:
    SpecialFields(const Types& types, Reporter& reporter) : types_(types), reporter_(reporter) {}

    void check_all() {
        find_markers();
        if (first_marker_ > last_marker_) {
            return;
        }
        for (uint32_t id = types_.first_record_id(); id < types_.end_id(); ++id) {
            if (types_.kind(id) == Kind::Struct && has_marker(id)) {
                check_struct(id);
            }
        }
        check_owners();
    }

private:
    // -- which structs are checked

    // The first struct of each name, and the pointers of the kernel. A struct with a member of exactly one of
    // these types is checked.
    void find_markers() {
        uint8_t found = 0;
        const bool pointers = has_pointer_tags();
        for (uint32_t id = types_.first_record_id(); id < types_.end_id(); ++id) {
            const Kind kind = types_.kind(id);
            if (kind == Kind::Struct) {
                const SpecialType* type = special_of(id);
                if (type != nullptr && type->is_looked_for && (found & bit(type->special)) == 0) {
                    found = static_cast<uint8_t>(found | bit(type->special));
                    mark(id);
                }
            } else if (pointers && (kind == Kind::Ptr || kind == Kind::Volatile) &&
                       find_pointer(id) == Pointer::kernel) {
                mark(id);
            }
        }
    }

    void mark(uint32_t id) {
        is_marker_.resize(types_.end_id());
        is_marker_[id] = true;
        first_marker_ = std::min(first_marker_, id);
        last_marker_ = std::max(last_marker_, id);
    }

    bool has_pointer_tags() const {
        for (uint32_t id = types_.first_record_id(); id < types_.end_id(); ++id) {
            if (types_.kind(id) == Kind::TypeTag && is_pointer_tag(id)) {
                return true;
            }
        }
        return false;
    }

    bool is_pointer_tag(uint32_t id) const {
        return std::any_of(std::begin(kPointerTags), std::end(kPointerTags), [&](std::string_view text) {
            return types_.strings().equals(types_.name_off(id), text);
        });
    }

    bool has_marker(uint32_t id) const {
        constexpr std::size_t step = shape_of(Kind::Struct).element;
        const std::byte* type = types_.record(id) + kHeadSize + MemberField::type;
        const std::byte* end = type + types_.elements<Kind::Struct>(id) * step;
        for (; type != end; type += step) {
            const uint32_t type_id = types_.load(type);
            if (type_id >= first_marker_ && type_id <= last_marker_ && is_marker_[type_id]) {
                return true;
            }
        }
        return false;
    }

    // -- types

    uint32_t member(uint32_t id, uint32_t number, std::size_t field) const {
        return types_.load(types_.record(id) + kHeadSize +
                           std::size_t{number} * shape_of(Kind::Struct).element + field);
    }

    std::string_view name(uint32_t name_off) const { return types_.strings().prefix(name_off, kMaxTag); }

    const SpecialType* special_of(uint32_t id) const {
        if (id == 0 || !starts_with(types_.name_off(id), kSpecialPrefix)) {
            return nullptr;
        }
        for (const SpecialType& type : kSpecialTypes) {
            if (types_.strings().equals(types_.name_off(id), type.name)) {
                return &type;
            }
        }
        return nullptr;
    }

    bool starts_with(uint32_t name_off, std::string_view prefix) const {
        const Bytes rest = types_.strings().rest(name_off);
        return rest.size >= prefix.size() && std::memcmp(rest.data, prefix.data(), prefix.size()) == 0;
    }

    enum class Pointer : uint8_t { other, kernel, invalid };

    // btf_find_kptr
    Pointer find_pointer(uint32_t id) const {
        if (types_.kind(id) == Kind::Volatile) {
            id = types_.size_or_type(id);
        }
        if (types_.kind(id) != Kind::Ptr) {
            return Pointer::other;
        }
        const uint32_t tag = types_.size_or_type(id);
        if (types_.kind(tag) != Kind::TypeTag || types_.flag(tag)) {
            return Pointer::other;
        }
        uint32_t target = types_.size_or_type(tag);
        if (types_.kind(target) == Kind::TypeTag) {
            return Pointer::invalid;
        }
        if (types_.strings().equals(types_.name_off(tag), kUserPointerTag)) {
            return Pointer::other;
        }
        if (!is_pointer_tag(tag)) {
            return Pointer::invalid;
        }
        while (is_modifier_or_typedef(types_.kind(target))) {
            target = types_.size_or_type(target);
        }
        return types_.kind(target) == Kind::Struct ? Pointer::kernel : Pointer::invalid;
    }

    // -- the fields of one struct

    static constexpr int kFault = -1;

    // Keeps the first fault of a struct.
    int fault(Rule rule, std::string what) {
        if (!fault_) {
            fault_ = {rule, std::move(what)};
        }
        return kFault;
    }

    // btf_parse_fields
    void check_struct(uint32_t id) {
        fault_.reset();
        std::vector<Field> fields;
        if (find_in_struct(id, 0, kMaxSpecialFields, fields) != kFault) {
            if (fields.empty()) {
                fault(Rule::special_field,
                      "has a member of one of the kernel's own types that is misaligned, empty or of another "
                      "size");
            } else {
                check_fields(id, fields);
            }
        }
        if (fault_) {
            reporter_.type(fault_->rule, id, types_.offset(types_.record(id)), fault_->what);
        }
    }

    void check_fields(uint32_t id, const std::vector<Field>& fields) {
        Owner owner{id, 0, {}};
        std::uint64_t end = 0;
        for (const Field& field : fields) {
            const std::string where =
                std::string(field.type->name.empty() ? "kernel pointer" : field.type->name) + " at byte " +
                number(field.offset);
            if (std::uint64_t{field.offset} + field.type->size > types_.size_or_type(id)) {
                fault(Rule::special_field, "has a " + where + ", which ends past the struct");
                return;
            }
            if (field.offset < end) {
                fault(Rule::special_field, "has a " + where + ", inside the one before it");
                return;
            }
            end = std::uint64_t{field.offset} + field.type->size;
            owner.fields = static_cast<uint8_t>(owner.fields | bit(field.type->special));
            if (is_root(field.type->special)) {
                if (!has_node(field)) {
                    fault(Rule::graph_root, "has a " + where + ", whose struct " + type_text(field.value) +
                                                " has no such node '" + std::string(field.node) + "'");
                    return;
                }
                owner.values.push_back(field.value);
            }
        }
        if ((owner.fields & kLocks) == kLocks) {
            fault(Rule::special_field, "has a bpf_spin_lock and a bpf_res_spin_lock");
        } else if ((owner.fields & kRoots) != 0 && (owner.fields & kLocks) == 0) {
            fault(Rule::special_field, "has a list or tree, but no lock");
        } else if ((owner.fields & kNodes) == kNodes && (owner.fields & bit(Special::refcount)) == 0) {
            fault(Rule::special_field, "has nodes of a list and of a tree, but no bpf_refcount");
        } else {
            owners_.push_back(std::move(owner));
        }
    }

    // btf_find_struct_field. Appends the fields, at most `room`, and returns their number. The recursion
    // through find_in_nested() has at most kMaxDepth levels, and enters a struct without fields once.
    int find_in_struct(uint32_t id, unsigned level, std::size_t room, std::vector<Field>& fields) {
        const uint32_t count = types_.elements<Kind::Struct>(id);
        const bool flag = types_.flag(id);
        uint8_t seen = 0;
        std::size_t found = 0;
        deepest_ = std::max(deepest_, level);
        for (uint32_t i = 0; i != count; ++i) {
            const uint32_t offset = member_bit_offset(member(id, i, MemberField::offset), flag);
            if (offset % 8 != 0) {
                return fault(Rule::special_field, "has a member at bit " + number(offset) +
                                                      ", within a byte, in " + type_text(id));
            }
            const int more = find_in_member(id, i, offset / 8, level, room - found, seen, fields);
            if (more == kFault) {
                return kFault;
            }
            found += static_cast<std::size_t>(more);
        }
        return static_cast<int>(found);
    }

    // btf_find_field_one
    int find_in_member(uint32_t parent, uint32_t number_, uint32_t offset, unsigned level, std::size_t room,
                       uint8_t& seen, std::vector<Field>& fields) {
        uint32_t id = member(parent, number_, MemberField::type);
        uint32_t count = 1;
        for (unsigned depth = 0; types_.kind(id) == Kind::Array; ++depth) {
            if (depth == kMaxDepth - 1) {
                return fault(Rule::special_field, "has an array of " + number(kMaxDepth) + " dimensions");
            }
            count *= types_.word(id, kHeadSize + ArrayField::nelems);
            id = types_.word(id, kHeadSize + ArrayField::type);
        }
        if (count == 0) {
            return 0;
        }
        const SpecialType* type = special_of(id);
        if (type == nullptr && types_.kind(id) == Kind::Struct) {
            return find_in_nested(id, offset, count, level, room, fields);
        }
        if (type == nullptr) {
            type = &kKernelPointer;
        } else if (type->unique) {
            if ((seen & bit(type->special)) != 0) {
                return fault(Rule::special_field, "has more than one " + std::string(type->name));
            }
            seen = static_cast<uint8_t>(seen | bit(type->special));
        }
        if (offset % type->alignment != 0) {
            return 0;
        }
        Field field{type, offset, 0, {}};
        if (type == &kKernelPointer) {
            const Pointer pointer = find_pointer(id);
            if (pointer == Pointer::invalid) {
                return fault(Rule::kernel_pointer,
                             "has a member of the pointer " + type_text(id) +
                                 ", whose type tag is not that of a pointer to a struct of the kernel");
            }
            if (pointer == Pointer::other) {
                return 0;
            }
        } else {
            if (types_.kind(id) != Kind::Struct || types_.size_or_type(id) != type->size) {
                return 0;
            }
            if (is_root(type->special) && !find_value(parent, number_, field)) {
                return kFault;
            }
        }
        return append(fields, {field}, count, type->size, room);
    }

    // btf_find_nested_struct
    int find_in_nested(uint32_t id, uint32_t offset, uint32_t count, unsigned level, std::size_t room,
                       std::vector<Field>& fields) {
        if (level + 1 >= kMaxDepth) {
            return fault(Rule::special_field, "has structs nested in " + number(kMaxDepth) + " levels");
        }
        if (levels_.empty()) {
            levels_.resize(types_.end_id());
        }
        if (levels_[id] != 0 && level + levels_[id] < kMaxDepth) {
            deepest_ = std::max(deepest_, level + levels_[id]);
            return 0;
        }
        std::vector<Field> inner;
        const unsigned outside = deepest_;
        deepest_ = level + 1;
        const int found = find_in_struct(id, level + 1, room, inner);
        if (found == 0) {
            levels_[id] = static_cast<uint8_t>(deepest_ - level);
        }
        deepest_ = std::max(deepest_, outside);
        if (found <= 0) {
            return found;
        }
        for (Field& field : inner) {
            field.offset += offset;
        }
        return append(fields, inner, count, types_.size_or_type(id), room);
    }

    // btf_repeat_fields
    int append(std::vector<Field>& fields, const std::vector<Field>& found, uint32_t count, uint32_t size,
               std::size_t room) {
        if (count > 1 && std::any_of(found.begin(), found.end(), [](const Field& field) {
                return (bit(field.type->special) & kRepeatable) == 0;
            })) {
            return fault(Rule::special_field, "has an array of " + std::string(found.front().type->name));
        }
        if (std::uint64_t{count} * found.size() > room) {
            return fault(Rule::special_field,
                         "has more than " + number(kMaxSpecialFields) + " fields of the kernel's own types");
        }
        for (uint32_t i = 0; i != count; ++i) {
            for (Field field : found) {
                field.offset += i * size;
                fields.push_back(field);
            }
        }
        return static_cast<int>(count * found.size());
    }

    // -- lists and trees

    // btf_find_graph_root
    bool find_value(uint32_t parent, uint32_t number_, Field& field) {
        const Tag wanted{parent, static_cast<std::int32_t>(number_), 0};
        const auto tags = contains_tags();
        const auto [first, last] = std::equal_range(tags->begin(), tags->end(), wanted);
        const std::string what = "has a " + std::string(field.type->name) + " as member " + number(number_) +
                                 " of " + type_text(parent);
        if (last - first != 1) {
            fault(Rule::graph_root, what + " with " + number(static_cast<std::uint64_t>(last - first)) +
                                        " tags 'contains:', must have 1");
            return false;
        }
        const std::string_view value = name(first->name_off).substr(kContains.size());
        const std::size_t colon = value.find(':');
        if (colon == std::string_view::npos || colon + 1 == value.size()) {
            fault(Rule::graph_root, what + " whose tag 'contains:' does not name a struct and its member");
            return false;
        }
        const auto found = structs_by_name()->find(value.substr(0, colon));
        if (found == structs_by_name()->end()) {
            fault(Rule::graph_root, what + " whose tag 'contains:' names a struct that does not exist");
            return false;
        }
        field.value = found->second;
        field.node = value.substr(colon + 1);
        return true;
    }

    // btf_parse_graph_root
    bool has_node(const Field& field) const {
        const std::string_view wanted =
            field.type->special == Special::list_head ? "bpf_list_node" : "bpf_rb_node";
        const uint32_t count = types_.elements<Kind::Struct>(field.value);
        bool found = false;
        for (uint32_t i = 0; i != count; ++i) {
            const uint32_t name_off = member(field.value, i, MemberField::name_off);
            if ((name_off == 0 ? kNoName : name(name_off)) != field.node) {
                continue;
            }
            const uint32_t type_id = member(field.value, i, MemberField::type);
            if (found || types_.kind(type_id) != Kind::Struct ||
                !types_.strings().equals(types_.name_off(type_id), wanted)) {
                return false;
            }
            // The kernel takes the kind flag of the node's struct here.
            const uint32_t offset =
                member_bit_offset(member(field.value, i, MemberField::offset), types_.flag(type_id));
            if (offset % 64 != 0) {
                return false;
            }
            found = true;
        }
        return found;
    }

    // btf_check_and_fixup_fields
    void check_owners() {
        const auto owner_of = [this](uint32_t type_id) {
            const auto at =
                std::lower_bound(owners_.begin(), owners_.end(), type_id,
                                 [](const Owner& owner, uint32_t id) { return owner.type_id < id; });
            return at != owners_.end() && at->type_id == type_id ? &*at : nullptr;
        };
        for (const Owner& owner : owners_) {
            for (const uint32_t value : owner.values) {
                const Owner* owned = owner_of(value);
                if (owned == nullptr || ((owner.fields & kNodes) != 0 && (owned->fields & kRoots) != 0)) {
                    reporter_.type(Rule::graph_root, owner.type_id,
                                   types_.offset(types_.record(owner.type_id)),
                                   "owns " + type_text(value) +
                                       (owned == nullptr ? ", which the kernel keeps no record of"
                                                         : ", which owns others, and is owned itself"));
                    break;
                }
            }
        }
    }

    // -- tables, made on first use

    const std::vector<Tag>* contains_tags() {
        if (!tags_) {
            tags_.emplace();
            for (uint32_t id = types_.first_record_id(); id < types_.end_id(); ++id) {
                if (types_.kind(id) != Kind::DeclTag) {
                    continue;
                }
                const uint32_t name_off = types_.name_off(id);
                if (name(name_off).substr(0, kContains.size()) == kContains) {
                    tags_->push_back({types_.size_or_type(id),
                                      static_cast<std::int32_t>(types_.word(id, kHeadSize)), name_off});
                }
            }
            merge_sort(*tags_, std::less<Tag>());
        }
        return &*tags_;
    }

    const std::unordered_map<std::string_view, uint32_t>* structs_by_name() {
        if (!structs_) {
            structs_.emplace();
            for (uint32_t id = types_.first_record_id(); id < types_.end_id(); ++id) {
                if (types_.kind(id) == Kind::Struct) {
                    structs_->emplace(name(types_.name_off(id)), id);
                }
            }
        }
        return &*structs_;
    }

    // Longer than any name of a struct and its member.
    static constexpr std::size_t kMaxTag = 2 * kMaxName + 32;

    struct Fault {
        Rule rule;
        std::string what;
    };

    const Types& types_;
    Reporter& reporter_;
    std::vector<bool> is_marker_;  // by ID
    uint32_t first_marker_ = UINT32_MAX, last_marker_ = 0;
    std::vector<Owner> owners_;  // ascending
    // By ID: the levels of structs in a struct without fields, itself included; 0 if unknown.
    std::vector<uint8_t> levels_;
    unsigned deepest_ = 0;
    std::optional<Fault> fault_;
    std::optional<std::vector<Tag>> tags_;
    std::optional<std::unordered_map<std::string_view, uint32_t>> structs_;
};

}  // namespace

void check_special_fields(const Types& types, Reporter& reporter) {
    SpecialFields(types, reporter).check_all();
}

}  // namespace btfmmap::kernel_rules
