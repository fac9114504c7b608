#include "core/analysis/users.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <numeric>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "core/base/error.hpp"
#include "core/base/seeded_hash.hpp"

namespace btfmmap {

namespace {

using std::uint32_t;
using std::uint64_t;

constexpr std::size_t kMaxUsers = std::size_t{1} << 20;
// Paths up through anonymous structs; their number may be exponential.
constexpr std::size_t kMaxPaths = std::size_t{1} << 17;
// References to the types on such paths. Only cycles have more references than users and paths.
constexpr std::size_t kMaxReferences = std::size_t{1} << 22;
constexpr uint32_t kMaxDepth = 200;
constexpr uint64_t kMaxText = uint64_t{1} << 30;  // bytes of distinct names

// One BTF with the columns that the search reads.
struct Level {
    explicit Level(const Btf& of) : btf(&of) {
        const RecordTable& members = of.table("members", {"indptr", "name_off", "bit_offset"});
        const RecordTable& params = of.table("params", {"indptr", "name_off"});
        first_member = words(members, "indptr");
        member_name = words(members, "name_off");
        bit_offset = words(members, "bit_offset");
        first_param = words(params, "indptr");
        param_name = words(params, "name_off");
    }

    static const uint32_t* words(const RecordTable& table, std::string_view column) {
        return static_cast<const uint32_t*>(table.column(column).data);
    }

    const Btf* btf;
    const uint32_t* first_member;
    const uint32_t* member_name;
    const uint32_t* bit_offset;
    const uint32_t* first_param;
    const uint32_t* param_name;
};

// An anonymous struct that contains the member, and those inside of it.
struct Holder {
    uint32_t type;
    uint32_t inside;  // index of the next one; 0 if there is none
    uint32_t depth;   // number of holders
};

// A path from the type towards its users: the type that it has reached, and what it has passed.
struct Path {
    uint32_t type;
    uint32_t pointers;
    uint64_t bit_offset;
    uint32_t name;  // of the member, within anonymous structs
    std::int32_t position;
    uint32_t holder;  // index of the outermost one; 0 if there is none
};

// Reads the text of a name, with its dots, part by part.
class NameReader {
public:
    NameReader(const Users& users, uint32_t name)
        : users_(users), name_(users.names[name]), rest_(name_.own) {}

    std::string_view rest() const { return rest_; }

    // Skips some bytes of rest().
    void skip(std::size_t size) {
        rest_.remove_prefix(size);
        if (rest_.empty() && name_.inner != 0) {
            rest_ = is_dot_next_ ? "." : users_.names[name_.inner].own;
            if (!is_dot_next_) {
                name_ = users_.names[name_.inner];
            }
            is_dot_next_ = !is_dot_next_;
        }
    }

private:
    const Users& users_;
    UserName name_;
    std::string_view rest_;
    bool is_dot_next_ = true;
};

class Search {
public:
    Search(const Graph& graph, const UserQuery& query)
        : query_(query), edges_(graph.reverse()), labels_(graph.reverse_labels()) {
        for (const Btf* level : graph.btf().levels()) {
            levels_.emplace_back(*level);
            const auto* kinds = level->index().kinds();
            kinds_.insert(kinds_.end(), kinds, kinds + level->index().rows());
        }
        found_.names.push_back({});
    }

    Users users(uint32_t type_id) {
        add_wrappers(type_id);
        max_paths_ = paths_.size() + kMaxPaths;
        for (std::size_t next = 0; next != paths_.size(); ++next) {
            step(Path(paths_[next]));
        }
        sort_users();
        return std::move(found_);
    }

private:
    static Error too_many() {
        return Error::invalid_argument("too many users; pass fewer `roles` or a smaller `through`");
    }

    Role role(uint32_t edge) const { return static_cast<Role>(labels_.role[edge]); }

    Kind kind(uint32_t type_id) const { return static_cast<Kind>(kinds_[type_id]); }

    // Whether the search looks through a type that refers to another one in that role.
    bool is_passed(uint32_t type_id, Role role) const {
        return (role == Role::pointee || role == Role::element || role == Role::underlying) &&
               query_.through[kinds_[type_id]];
    }

    bool is_wanted(Role role) const { return (query_.roles >> static_cast<unsigned>(role) & 1) != 0; }

    const Level& level(uint32_t type_id) const {
        const auto after = std::upper_bound(
            levels_.begin(), levels_.end(), type_id,
            [](uint32_t id, const Level& level) { return id < level.btf->index().first_id(); });
        return after[-1];
    }

    // Adds the type and those of its wrappers (pointers, typedefs, ...) that a non-wrapper refers to. A
    // wrapper refers to one type only, so it is reached only once, unless it is in a cycle.
    void add_wrappers(uint32_t type_id) {
        std::vector<bool> seen(edges_.nodes);
        std::vector<std::pair<uint32_t, uint32_t>> reached{{type_id, 0}};  // with the pointers passed
        seen[type_id] = true;
        for (std::size_t next = 0; next != reached.size(); ++next) {
            const auto [at, pointers] = reached[next];
            bool is_used = false;
            for (uint32_t edge = edges_.indptr[at]; edge != edges_.indptr[at + 1]; ++edge) {
                const uint32_t source = edges_.indices[edge];
                if (!is_passed(source, role(edge))) {
                    is_used = true;
                } else if (!seen[source]) {
                    seen[source] = true;
                    reached.emplace_back(source, pointers + (role(edge) == Role::pointee));
                }
            }
            if (is_used) {
                paths_.push_back({at, pointers, 0, 0, -1, 0});
            }
        }
    }

    void step(const Path& path) {
        const std::size_t before = found_.users.size() + paths_.size();
        const uint32_t end = edges_.indptr[path.type + 1];
        if (path.holder != 0) {
            references_ += end - edges_.indptr[path.type];
            if (references_ > kMaxReferences) {
                throw too_many();
            }
        }
        for (uint32_t edge = edges_.indptr[path.type]; edge != end; ++edge) {
            follow(path, edge);
        }
        if (path.holder != 0 && found_.users.size() + paths_.size() == before) {
            add_user(holders_[path.holder].type, Role::member,
                     path);  // nothing contains this anonymous struct
        }
    }

    void follow(const Path& path, uint32_t edge) {
        const uint32_t source = edges_.indices[edge];
        const Role role = this->role(edge);
        const bool is_typedef = kind(source) == Kind::Typedef;
        if (role == Role::member) {
            if (is_wanted(role)) {
                add_member(path, source, labels_.row[edge]);
            }
            return;
        }
        if (is_passed(source, role)) {
            if (path.holder == 0) {
                return;  // one of the wrappers
            }
            // An array of an anonymous struct, or the struct with qualifiers, still has the struct's members;
            // a typedef of it or a pointer to it does not.
            if (role != Role::pointee && !is_typedef) {
                Path further = path;
                further.type = source;
                add_path(further);
                return;
            }
        }
        if (path.holder != 0) {
            const bool names_it = role == Role::underlying && is_typedef;
            add_user(names_it ? source : holders_[path.holder].type, Role::member, path);
        } else if (is_wanted(role)) {
            if (role == Role::parameter || role == Role::returned) {
                add_function(path, source, role, labels_.row[edge]);
            } else {
                add_user(source, role, path);
            }
        }
    }

    void add_member(const Path& path, uint32_t source, uint32_t row) {
        for (uint32_t holder = path.holder; holder != 0; holder = holders_[holder].inside) {
            if (holders_[holder].type == source) {
                return;  // an anonymous struct that contains itself
            }
        }
        const uint32_t depth = path.holder == 0 ? 0 : holders_[path.holder].depth;
        if (depth >= kMaxDepth) {
            throw Error::format("type [" + std::to_string(source) + "] is nested in more than " +
                                    std::to_string(kMaxDepth) + " anonymous structs",
                                {}, source);
        }
        const Level& owner = level(source);
        const uint32_t own = name(*owner.btf, owner.member_name[row]);
        Path held = path;
        held.type = source;
        held.bit_offset += owner.bit_offset[row];
        held.name = joined(own, path.name);
        if (path.holder == 0) {
            held.position = position(owner, owner.first_member, source, row);
        }
        if (query_.anonymous && *owner.btf->type_name_start(source).data == std::byte{0}) {
            holders_.push_back({source, path.holder, depth + 1});
            held.holder = static_cast<uint32_t>(holders_.size() - 1);
            add_path(held);
        } else {
            add_user(source, Role::member, held);
        }
    }

    // Adds a prototype and the functions that have it.
    void add_function(const Path& path, uint32_t source, Role role, uint32_t row) {
        Path used = path;
        if (role == Role::parameter) {
            const Level& owner = level(source);
            used.name = name(*owner.btf, owner.param_name[row]);
            used.position = position(owner, owner.first_param, source, row);
        }
        add_user(source, role, used);
        const auto [first, end] = functions_of(source);
        for (std::size_t function = first; function != end; ++function) {
            add_user(functions_[function], role, used);
        }
    }

    // Returns the range of a prototype's functions in `functions_`. Reads the references to a prototype once.
    std::pair<std::size_t, std::size_t> functions_of(uint32_t prototype) {
        const auto [found, is_new] = ranges_.try_emplace(prototype);
        if (is_new) {
            const std::size_t first = functions_.size();
            for (uint32_t edge = edges_.indptr[prototype]; edge != edges_.indptr[prototype + 1]; ++edge) {
                if (role(edge) == Role::prototype) {
                    functions_.push_back(edges_.indices[edge]);
                }
            }
            found->second = {first, functions_.size()};
        }
        return found->second;
    }

    static std::int32_t position(const Level& owner, const uint32_t* indptr, uint32_t parent, uint32_t row) {
        return static_cast<std::int32_t>(row - indptr[parent - owner.btf->index().first_id()]);
    }

    void add_user(uint32_t type_id, Role role, const Path& path) {
        found_.users.push_back({type_id, role, path.position, path.name, path.bit_offset, path.pointers});
        if (found_.users.size() > kMaxUsers) {
            throw too_many();
        }
    }

    void add_path(const Path& path) {
        paths_.push_back(path);
        if (paths_.size() > max_paths_) {
            throw too_many();
        }
    }

    // Returns the index of a string.
    uint32_t name(const Btf& btf, uint32_t offset) {
        const Bytes start = btf.strings().checked_rest(offset);
        if (*start.data == std::byte{0}) {
            return 0;
        }
        const auto [found, is_new] = names_.try_emplace(start.data, 0);
        if (is_new) {
            const auto* text = reinterpret_cast<const char*>(start.data);
            found->second = add_name({{text, ::strnlen(text, start.size)}, 0});
        }
        return found->second;
    }

    // Returns the index of two names that are joined by a dot.
    uint32_t joined(uint32_t own, uint32_t inner) {
        if (own == 0 || inner == 0) {
            return own == 0 ? inner : own;
        }
        return add_name({found_.names[own].own, inner});
    }

    uint32_t add_name(UserName name) {
        const uint64_t size = name.own.size() + (name.inner == 0 ? 0 : name_sizes_[name.inner] + 1);
        text_ += size;
        if (text_ > kMaxText) {
            throw Error::not_supported(
                "the users' names exceed 1 GiB; pass fewer `roles` or a smaller `through`");
        }
        found_.names.push_back(name);
        name_sizes_.push_back(size);
        return static_cast<uint32_t>(found_.names.size() - 1);
    }

    // Sorts the users. Of those that differ in name or pointers only, the first found comes first. Removes
    // duplicates.
    void sort_users() {
        auto& users = found_.users;
        const auto key = [](const User& user) {
            return std::tuple(user.type, user.role, user.position, user.bit_offset);
        };
        std::vector<uint32_t> order(users.size());
        std::iota(order.begin(), order.end(), 0);
        std::sort(order.begin(), order.end(), [&](uint32_t left, uint32_t right) {
            const auto left_key = key(users[left]);
            const auto right_key = key(users[right]);
            return left_key == right_key ? left < right : left_key < right_key;
        });
        std::vector<User> sorted;
        sorted.reserve(users.size());
        for (auto first = order.begin(); first != order.end();) {
            const auto end = std::find_if(
                first, order.end(), [&](uint32_t user) { return key(users[user]) != key(users[*first]); });
            const auto distinct_end = end - first == 1 ? end : remove_duplicates(first, end);
            std::transform(first, distinct_end, std::back_inserter(sorted),
                           [&](uint32_t user) { return users[user]; });
            first = end;
        }
        users = std::move(sorted);
    }

    using Iterator = std::vector<uint32_t>::iterator;

    // Removes duplicates from users that can differ in name and pointers only. Returns the new end.
    Iterator remove_duplicates(Iterator first, Iterator end) const {
        const auto compare = [this](uint32_t left, uint32_t right) {
            const User& one = found_.users[left];
            const User& other = found_.users[right];
            return one.pointers == other.pointers  ? compare_names(one.name, other.name)
                   : one.pointers < other.pointers ? -1
                                                   : 1;
        };
        std::sort(first, end, [&](uint32_t left, uint32_t right) {
            const int order = compare(left, right);
            return order == 0 ? left < right : order < 0;
        });
        end =
            std::unique(first, end, [&](uint32_t left, uint32_t right) { return compare(left, right) == 0; });
        std::sort(first, end);
        return end;
    }

    // Compares two names in an order of their own. Returns 0 if they have the same text.
    int compare_names(uint32_t left, uint32_t right) const {
        if (left == right) {
            return 0;
        }
        if (name_sizes_[left] != name_sizes_[right]) {
            return name_sizes_[left] < name_sizes_[right] ? -1 : 1;
        }
        NameReader one(found_, left);
        NameReader other(found_, right);
        for (uint64_t size = name_sizes_[left]; size != 0;) {
            const std::size_t part = std::min(one.rest().size(), other.rest().size());
            const int order = std::memcmp(one.rest().data(), other.rest().data(), part);
            if (order != 0) {
                return order;
            }
            one.skip(part);
            other.skip(part);
            size -= part;
        }
        return 0;
    }

    const UserQuery query_;
    const Edges& edges_;
    const Labels& labels_;
    std::vector<Level> levels_;
    std::vector<std::uint8_t> kinds_;  // by type ID
    std::vector<Path> paths_;          // those that were followed, then those that are pending
    std::vector<Holder> holders_{1};
    std::size_t max_paths_ = 0;
    std::size_t references_ = 0;
    std::vector<uint32_t> functions_;
    std::unordered_map<uint32_t, std::pair<std::size_t, std::size_t>, SeededHash> ranges_;
    std::unordered_map<const std::byte*, uint32_t, SeededHash> names_;  // by address
    std::vector<uint64_t> name_sizes_{0};
    uint64_t text_ = 0;
    Users found_;
};

}  // namespace

Users find_users(const Graph& graph, std::int64_t type_id, const UserQuery& query) {
    return Search(graph, query).users(graph.btf().check_id(type_id));
}

}  // namespace btfmmap
