#include "core/analysis/member_paths.hpp"

#include <algorithm>
#include <optional>

#include "core/format/kind_text.hpp"

namespace btfmmap {

namespace {

using std::int64_t;
using std::uint32_t;
using std::uint64_t;

// Offsets from here on, in bytes and bits, are past the end of any object.
constexpr int64_t kMaxByte = int64_t{1} << 59;
constexpr uint64_t kMaxBit = uint64_t{1} << 62;
// The most text of the paths at one byte, and the most types that are entered to find them.
constexpr std::size_t kMaxText = std::size_t{1} << 24;
constexpr uint32_t kMaxEntered = 4 * kMaxFields;

Error of_another_kind(const BtfSizes& sizes, uint32_t type_id, uint32_t resolved, const char* otherwise) {
    const Btf& btf = sizes.btf();
    std::string name(btf.type_name(type_id));
    if (name.empty()) {
        name = "type [" + std::to_string(type_id) + "]";
    }
    name += resolved == type_id ? " is" : " resolves to a type";
    name += " of kind ";
    name += kind_name(btf.index().kind_of(resolved));
    return Error::invalid_argument(name + ", not a " + otherwise);
}

struct Array {
    uint32_t type;
    uint64_t nelems;
    uint64_t element_size;
};

// Returns an array that `resolved` is.
std::optional<Array> array(const BtfSizes& sizes, uint32_t resolved) {
    const TypeRecord record(sizes.btf(), resolved);
    if (record.kind() != Kind::Array) {
        return std::nullopt;
    }
    const uint32_t element = record.target();
    return Array{element, record.word(kHeadSize + ArrayField::nelems),
                 static_cast<uint64_t>(std::max<int64_t>(0, sizes.sizes().size(element)))};
}

bool is_number(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// Returns the value of decimal digits; UINT64_MAX if it is larger.
uint64_t number(std::string_view digits) {
    uint64_t value = 0;
    for (const char digit : digits) {
        const auto unit = static_cast<uint64_t>(digit - '0');
        if (value > (UINT64_MAX - unit) / 10) {
            return UINT64_MAX;
        }
        value = 10 * value + unit;
    }
    return value;
}

bool is_identifier(std::string_view text) {
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_$0123456789";
    return text.find_first_not_of(letters) == std::string_view::npos &&
           (text.empty() || text[0] < '0' || text[0] > '9');
}

// Finds a member by its path, one name or index at a time.
class PathSearch {
public:
    // `hops` is nullptr if only the member is asked for; then pointers cannot be indexed.
    PathSearch(const BtfSizes& sizes, PathValue start, std::string_view path, std::vector<PathHop>* hops)
        : sizes_(sizes),
          path_(path),
          at_(start),
          hops_(hops),
          found_{Status::found, {}, start.type, 0, 0, 0, 0} {}

    // Follows the path. If it begins with a name, that is one of a member.
    const FoundMember& find(bool begins_with_name) {
        std::size_t at = 0;
        if (begins_with_name) {
            at = name_end(0);
            if (!enter_member(0, 0, at)) {
                return found_;
            }
        }
        while (at != path_.size()) {
            const std::size_t before = at;
            if (path_[before] == '[') {
                at = name_end(before + 1);
                if (!enter_element(before, at)) {
                    return found_;
                }
                continue;
            }
            const bool arrow = path_[before] == '-';
            if (arrow && !enter_pointee(before)) {
                return found_;
            }
            const std::size_t begin = before + (arrow ? 2 : 1);
            at = name_end(begin);
            if (!enter_member(before, begin, at)) {
                return found_;
            }
        }
        return found_;
    }

    const PathValue& end() const { return at_; }

private:
    using Status = FoundMember::Status;
    using HopKind = PathHop::Kind;

    // Returns the position of the next dot, arrow or bracket, or else the end of the path.
    std::size_t name_end(std::size_t from) const {
        for (;; ++from) {
            from = path_.find_first_of(".[-", from);
            if (from == std::string_view::npos) {
                return path_.size();
            }
            if (path_[from] != '-' || (from + 1 != path_.size() && path_[from + 1] == '>')) {
                return from;
            }
        }
    }

    bool fail(Status status, std::size_t before, std::size_t begin, std::size_t end) {
        found_.status = status;
        found_.type = at_.type;
        found_.before = before;
        found_.part_begin = begin;
        found_.part_end = end;
        return false;
    }

    void add(PathHop hop) {
        if (hops_ != nullptr) {
            hops_->push_back(std::move(hop));
        }
    }

    void set_type(uint32_t type) {
        at_ = {type, 0, false};
        found_.type = type;
    }

    // Enters the member whose name is in path_[begin, end).
    bool enter_member(std::size_t before, std::size_t begin, std::size_t end) {
        const uint32_t parent = sizes_.resolved(at_.type);
        if (at_.pointers != 0 || !is_composite(sizes_.btf().index().kind_of(parent))) {
            return fail(Status::not_composite, before, begin, end);
        }
        const std::string_view name = path_.substr(begin, end - begin);
        const auto fields = sizes_.fields(parent);
        const Field* field = name.empty() ? nullptr : fields->find(sizes_.btf().strings(), name);
        if (field == nullptr) {
            return fail(Status::no_member, before, begin, end);
        }
        found_.field = *field;
        found_.bit_offset += field->bit_offset;
        set_type(field->type);
        if (hops_ != nullptr) {
            add({HopKind::member, field->in_union, field->bitfield_size, field->type,
                 static_cast<int64_t>(field->bit_offset), 0, 0, std::string(name)});
        }
        return true;
    }

    // Follows the pointer that an arrow is applied to. Of an array, the arrow means the first element.
    bool enter_pointee(std::size_t before) {
        const TypeRecord record(sizes_.btf(), sizes_.resolved(at_.type));
        if (at_.pointers == 0 && record.kind() == Kind::Array) {
            return enter(*array(sizes_, record.id), 0, 0);
        }
        return follow_pointer() || fail(Status::not_pointer, before, before, before + 2);
    }

    // Returns false if there is no pointer.
    bool follow_pointer() {
        uint32_t type = at_.type;
        const uint32_t left = at_.pointers;
        if (left == 0) {
            const TypeRecord record(sizes_.btf(), sizes_.resolved(type));
            if (record.kind() != Kind::Ptr) {
                return false;
            }
            type = record.target();
        }
        if (!at_.at_hand) {
            add({HopKind::dereference, false, 0, type, 0, 0, 0, {}});
        }
        set_type(type);
        at_.pointers = left == 0 ? 0 : left - 1;
        found_.bit_offset = 0;
        return true;
    }

    // Enters the element whose index and closing bracket are in path_[before + 1, end).
    bool enter_element(std::size_t before, std::size_t end) {
        const std::size_t begin = before + 1;
        auto entered = at_.pointers == 0 ? array(sizes_, sizes_.resolved(at_.type)) : std::nullopt;
        const bool is_pointer = !entered && hops_ != nullptr;
        if (is_pointer) {
            entered = pointees();
        }
        const bool closed = end != begin && path_[end - 1] == ']';
        const std::size_t index_end = closed ? end - 1 : end;
        if (!entered) {
            return fail(Status::not_array, before, begin, end);
        }
        const std::string_view index = path_.substr(begin, index_end - begin);
        const bool is_open = hops_ != nullptr && is_identifier(index);
        if (!closed || (!is_open && !is_number(index))) {
            return fail(Status::bad_index, before, begin, end);
        }
        const uint64_t position = is_open ? 0 : number(index);
        const uint64_t bits = 8 * entered->element_size;
        const uint64_t free = kMaxBit - std::min(kMaxBit, is_pointer ? 0 : found_.bit_offset);
        if ((entered->nelems != 0 && position >= entered->nelems) || (bits != 0 && position > free / bits)) {
            return fail(Status::past_end, before, begin, index_end);
        }
        if (is_pointer) {
            const uint32_t left = at_.pointers;
            follow_pointer();
            enter(*entered, position, is_open ? PathHop::kOpen : static_cast<int64_t>(position));
            at_.pointers = left == 0 ? 0 : left - 1;
            return true;
        }
        return enter(*entered, position, is_open ? PathHop::kOpen : static_cast<int64_t>(position));
    }

    // Returns what the pointer leads to, as an array without an end.
    std::optional<Array> pointees() const {
        if (at_.pointers > 1) {
            return Array{at_.type, 0, sizes_.btf().pointer_size()};
        }
        const TypeRecord record(sizes_.btf(), sizes_.resolved(at_.type));
        if (at_.pointers == 0 && record.kind() != Kind::Ptr) {
            return std::nullopt;
        }
        const uint32_t type = at_.pointers == 0 ? record.target() : at_.type;
        const int64_t size = sizes_.sizes().size(type);
        return size < 0 ? std::nullopt : std::optional(Array{type, 0, static_cast<uint64_t>(size)});
    }

    bool enter(const Array& of, uint64_t position, int64_t index) {
        const uint64_t offset = 8 * of.element_size * position;
        add({HopKind::index, false, 0, of.type, static_cast<int64_t>(offset), of.element_size, index, {}});
        set_type(of.type);
        found_.bit_offset += offset;
        return true;
    }

    const BtfSizes& sizes_;
    std::string_view path_;
    PathValue at_;
    std::vector<PathHop>* hops_;
    FoundMember found_;
};

}  // namespace

uint32_t composite(const BtfSizes& sizes, uint32_t type_id) {
    const uint32_t resolved = sizes.resolved(type_id);
    if (!is_composite(sizes.btf().index().kind_of(resolved))) {
        throw of_another_kind(sizes, type_id, resolved, "struct or union");
    }
    return resolved;
}

FoundMember find_member(const BtfSizes& sizes, uint32_t type_id, std::string_view path) {
    return PathSearch(sizes, {type_id, 0, false}, path, nullptr).find(true);
}

FollowedPath follow_path(const BtfSizes& sizes, PathValue start, std::string_view path) {
    if (!path.empty() && path[0] != '.' && path[0] != '[' && path.substr(0, 2) != "->") {
        throw Error::invalid_argument("the path begins with neither a dot, an arrow nor a bracket");
    }
    FollowedPath followed{};
    PathSearch search(sizes, start, path, &followed.hops);
    followed.found = search.find(false);
    followed.end = search.end();
    return followed;
}

ByteSearch::ByteSearch(const BtfSizes& sizes, uint32_t type_id)
    : sizes_(sizes), strings_(sizes.btf().strings()), root_(type_id) {
    const uint32_t resolved = sizes.resolved(type_id);
    const Kind kind = sizes.btf().index().kind_of(resolved);
    if (!is_composite(kind) && kind != Kind::Array) {
        throw of_another_kind(sizes, type_id, resolved, "struct, union or array");
    }
}

// Searches depth first.
const std::vector<MemberAt>& ByteSearch::at(int64_t byte) {
    byte_ = byte;
    steps_ = 0;
    entered_ = 0;
    text_.clear();
    found_.clear();
    members_.clear();
    pending_.clear();
    if (byte >= 0 && byte < kMaxByte) {
        pending_.push_back({root_, 0, 0, static_cast<uint64_t>(byte), 0, 0, Part::none, 0, true});
    }
    while (!pending_.empty()) {
        const Node node = pending_.back();
        pending_.pop_back();
        if (node.depth > kMaxFieldDepth) {
            throw refused("nests more than 64 deep");
        }
        if (++entered_ > kMaxEntered) {
            throw too_many();
        }
        path_[node.depth] = node;
        enter(node);
    }
    std::size_t begin = 0;
    for (const Found& found : found_) {
        members_.push_back({std::string_view(text_).substr(begin, found.path_end - begin), found.type,
                            found.bit_offset, found.bitfield_size});
        begin = found.path_end;
    }
    return members_;
}

void ByteSearch::enter(const Node& node) {
    const uint32_t resolved = sizes_.resolved(node.type);
    if (const auto entered = array(sizes_, resolved)) {
        const uint64_t size = entered->element_size;
        if (size != 0 && (entered->nelems == 0 || node.left < size * entered->nelems)) {
            const uint64_t index = node.left / size;
            pending_.push_back({entered->type, node.depth + 1, node.bit_offset + 8 * index * size,
                                node.left % size, index, 0, Part::index, 0, false});
        }
        return;
    }
    const TypeRecord record(sizes_.btf(), resolved);
    const bool composite = is_composite(record.kind());
    if (composite && !node.unnamed && record.elements() == 0 && sizes_.owner(resolved).btf().distilled()) {
        add(node);  // a distilled base does not record what is inside
    } else if (composite && node.left < record.size_or_type()) {
        enter_members(node, resolved);
    } else if (!node.unnamed) {
        add(node);
    }
}

void ByteSearch::enter_members(const Node& node, uint32_t resolved) {
    const auto fields = sizes_.fields(resolved);
    fields->at(node.left, numbers_);
    steps_ += fields->count();
    if (steps_ > kMaxFields) {
        throw too_many();
    }
    for (std::size_t i = numbers_.size(); i-- != 0;) {
        const Field& field = fields->all()[numbers_[i]];
        const bool unnamed = node.unnamed && strings_.checked_rest(field.name_off).data[0] == std::byte{0};
        pending_.push_back({field.type, node.depth + 1, node.bit_offset + field.bit_offset,
                            node.left - field.begin(), 0, field.name_off, Part::name, field.bitfield_size,
                            unnamed});
    }
}

// Adds the member at the end of path_.
void ByteSearch::add(const Node& node) {
    bool unnamed = true;
    for (uint32_t depth = 1; depth <= node.depth; ++depth) {
        const Node& each = path_[depth];
        if (each.part == Part::index) {
            text_ += '[';
            text_ += std::to_string(each.index);
            text_ += ']';
        } else {
            if (!unnamed) {
                text_ += '.';
            }
            text_ += strings_.at(each.name_off);
        }
        unnamed = each.unnamed;
    }
    if (text_.size() > kMaxText && !found_.empty()) {
        throw refused("has more than 16 MiB of paths at byte " + std::to_string(byte_));
    }
    found_.push_back({text_.size(), node.type, node.bit_offset, node.bitfield_size});
}

Error ByteSearch::refused(const std::string& why) const {
    return Error::format("type [" + std::to_string(root_) + "] " + why, {}, root_);
}

Error ByteSearch::too_many() const {
    return refused("has too many members at byte " + std::to_string(byte_));
}

}  // namespace btfmmap
