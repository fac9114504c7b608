#include "core/writing/reorder.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "core/base/error.hpp"
#include "core/base/merge_sort.hpp"
#include "core/names/text_limit.hpp"

namespace btfmmap::writing {

namespace {

using std::uint32_t;

// Bytes of names that name_order() compares at most. Those of a kernel have less than 100 MB.
constexpr std::uint64_t kMaxCompared = std::uint64_t{1} << 33;

// The own type IDs of a BTF, in ascending order.
std::vector<std::int64_t> own_ids(const Index& index) {
    std::vector<std::int64_t> ids(index.rows() - index.first_record());
    std::iota(ids.begin(), ids.end(), std::int64_t{index.id(index.first_record())});
    return ids;
}

std::vector<std::byte> rewrite(const Btf& btf, ByteOrder order, std::shared_ptr<const Btf> base,
                               const std::vector<std::int64_t>& type_ids, const IdMap& ids) {
    Draft draft(order, std::move(base), layout_of(btf));
    draft.strings().adopt(btf.string_section());
    RecordCopier copier(btf, draft, RecordCopier::Names::verbatim);
    for (const std::int64_t id : type_ids) {
        copier.copy(static_cast<uint32_t>(id), ids);
    }
    return draft.build();
}

IdMap same_ids(const Index& index) {
    IdMap ids(index.end_id());
    std::iota(ids.begin(), ids.end(), 0U);
    return ids;
}

}  // namespace

Rewritten reorder(const std::shared_ptr<const Btf>& btf, const std::vector<std::int64_t>& order) {
    const Index& index = btf->index();
    const uint32_t first = index.id(index.first_record());
    IdMap ids = same_ids(index);
    std::fill(ids.begin() + first, ids.end(), kDropped);
    uint32_t next = first;
    for (const std::int64_t id : order) {
        if (id < first || id >= index.end_id()) {
            throw Error::invalid_argument("the order has type [" + std::to_string(id) +
                                          "], but the own types are [" + std::to_string(first) + "] to [" +
                                          std::to_string(std::int64_t{index.end_id()} - 1) + "]");
        }
        if (ids[static_cast<uint32_t>(id)] != kDropped) {
            throw Error::invalid_argument("the order has type [" + std::to_string(id) + "] twice");
        }
        ids[static_cast<uint32_t>(id)] = next++;
    }
    if (next != index.end_id()) {
        const auto missing = std::find(ids.begin() + first, ids.end(), kDropped) - ids.begin();
        throw Error::invalid_argument("the order lacks type [" + std::to_string(missing) + "]");
    }
    auto bytes = rewrite(*btf, index.order(), btf->base(), order, ids);
    return {std::move(bytes), std::move(ids)};
}

std::vector<std::int64_t> name_order(const Btf& btf) {
    // The first bytes of a name decide most comparisons.
    struct Key {
        std::uint64_t prefix;
        std::string_view name;
        std::int64_t id;
    };
    std::unordered_map<const std::byte*, std::string_view, SeededHash> names;
    TextLimit limit;
    std::vector<Key> keys;
    for (const std::int64_t id : own_ids(btf.index())) {
        const Bytes start = btf.type_name_start(id);
        const auto [known, added] = names.try_emplace(start.data);
        if (added) {
            known->second = limit.measure(start);
        }
        const std::string_view name = known->second;
        std::byte prefix[sizeof(std::uint64_t)] = {};
        std::memcpy(prefix, name.data(), std::min(name.size(), sizeof prefix));
        keys.push_back({Load<ByteOrder::big>::u64(prefix), name, id});
    }
    std::uint64_t compared = 0;
    merge_sort(keys, [&compared](const Key& a, const Key& b) {
        if (a.prefix != b.prefix || a.name.data() == b.name.data()) {
            return a.prefix < b.prefix;
        }
        compared += std::min(a.name.size(), b.name.size());
        if (compared > kMaxCompared) {
            throw Error::not_supported("the names are too long to be sorted");
        }
        return a.name < b.name;
    });
    std::vector<std::int64_t> order;
    order.reserve(keys.size());
    for (const Key& key : keys) {
        order.push_back(key.id);
    }
    return order;
}

std::vector<std::byte> swap_bytes(const Btf& btf, ByteOrder order, std::shared_ptr<const Btf> base) {
    return rewrite(btf, order, std::move(base), own_ids(btf.index()), same_ids(btf.index()));
}

}  // namespace btfmmap::writing
