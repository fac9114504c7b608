#include "core/name_order.hpp"

#include <algorithm>

#include "core/byte_mask.hpp"

namespace btfmmap {

namespace {

constexpr std::size_t kWord = 8;

// Eight bytes as a number that orders as strings do: what follows a NUL counts as zero.
std::uint64_t ordered_word(const std::byte* at) {
    const auto word = Load<ByteOrder::big>::u64(at);
    const std::uint64_t nul = zero_bytes(word);
    return word & ~std::uint64_t{0} << (63 - __builtin_clzll(nul | 1));
}

// Whether the string that `a` starts with comes after the one that `b` starts with. Takes the bytes that it
// looked at off `patience`, and says yes when that is used up.
bool is_after(Bytes a, Bytes b, std::size_t& patience) {
    const std::size_t most = std::min(a.size, b.size);
    std::size_t at = 0;
    for (; most - at >= kWord; at += kWord) {
        if (patience < kWord) {
            return true;
        }
        patience -= kWord;
        const std::uint64_t left = ordered_word(a.data + at);
        const std::uint64_t right = ordered_word(b.data + at);
        if (left != right || zero_bytes(left) != 0) {
            return left > right;
        }
    }
    for (; at != most; ++at) {
        if (a.data[at] != b.data[at] || a.data[at] == std::byte{0}) {
            return a.data[at] > b.data[at];
        }
    }
    return a.size > b.size;
}

}  // namespace

NameOrder::Key NameOrder::key_of(const std::byte* name) {
    const std::uint64_t first = ordered_word(name);
    return {first, zero_bytes(first) == 0 ? ordered_word(name + kWord) : 0};
}

NameOrder::Key NameOrder::key(std::uint32_t row) const {
    const std::uint32_t offset = index_->name_off(row);
    // Checked again: the bytes may have changed since they were.
    const Bytes bytes = offset < strings_->end() ? strings_->rest(offset) : Bytes{};
    if (bytes.size >= 2 * kWord) {
        return key_of(bytes.data);
    }
    std::byte padded[2 * kWord] = {};
    std::copy_n(bytes.data, bytes.size, padded);
    return key_of(padded);
}

std::optional<NameOrder> NameOrder::of(const Index& index, const Strings& strings) {
    NameOrder order(index, strings);
    std::size_t patience = 64 * index.rows();
    std::uint32_t last_offset = 0;
    Bytes last = strings.rest(0);
    for (std::size_t row = index.first_record(); row != index.rows(); ++row) {
        const std::uint32_t offset = index.name_off(row);
        if (offset == last_offset) {
            continue;
        }
        const Bytes name = offset < strings.end() ? strings.rest(offset) : Bytes{};
        if (is_after(last, name, patience)) {
            return std::nullopt;
        }
        last = name;
        last_offset = offset;
    }
    order.keys_.reserve(index.rows() / kRowsAKey + 1);
    for (std::size_t row = index.first_record(); row < index.rows(); row += kRowsAKey) {
        order.keys_.push_back(order.key(static_cast<std::uint32_t>(row)));
    }
    return order;
}

bool NameOrder::is_less(std::uint32_t row, std::string_view name) const {
    const std::uint32_t offset = index_->name_off(row);
    // One byte more than the name, so that a longer one comes after it.
    return offset < strings_->end() && strings_->prefix(offset, name.size() + 1) < name;
}

std::uint32_t NameOrder::lower_bound(std::string_view name) const {
    std::byte start[2 * kWord] = {};
    std::copy_n(reinterpret_cast<const std::byte*>(name.data()), std::min(name.size(), sizeof start), start);
    const Key wanted = key_of(start);
    const auto is_less_key = [&](const Key& key) {
        return (key.first < wanted.first) | ((key.first == wanted.first) & (key.second < wanted.second));
    };
    // Where it goes is not to be predicted, so it takes no branches.
    const Key* key = keys_.data();
    for (std::size_t left = keys_.size(); left > 1;) {
        const std::size_t half = left / 2;
        key += is_less_key(key[half - 1]) ? half : 0;
        left -= half;
    }
    auto at = static_cast<std::size_t>(key - keys_.data());
    at += at != keys_.size() && is_less_key(*key);

    // All rows of lesser keys are less, but the last of those has rows behind it that may not be.
    std::size_t end = at;
    if (at != keys_.size() && keys_[at] == wanted) {
        const auto from = keys_.begin() + static_cast<std::ptrdiff_t>(at);
        end = static_cast<std::size_t>(std::upper_bound(from, keys_.end(), wanted) - keys_.begin());
    }
    const auto row_of = [&](std::size_t number) {
        return std::min(index_->first_record() + number * kRowsAKey, index_->rows());
    };
    auto first = static_cast<std::uint32_t>(row_of(at == 0 ? 0 : at - 1));
    auto count = static_cast<std::uint32_t>(row_of(end)) - first;
    while (count != 0) {
        const std::uint32_t half = count / 2;
        const bool less = is_less(first + half, name);
        first += less ? half + 1 : 0;
        count = less ? count - half - 1 : half;
    }
    return first;
}

}  // namespace btfmmap
