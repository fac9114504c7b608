#include "core/core_relo/flavoured_names.hpp"

#include <algorithm>
#include <cstring>

#include "core/base/merge_sort.hpp"
#include "core/core_relo/essential_name.hpp"
#include "core/names/name_hash.hpp"
#include "core/simd/u8x16.hpp"

namespace btfmmap::core_relo {

namespace {

constexpr unsigned kBlockBits = 6;  // offsets per bit of blocks_, as a power of two
constexpr unsigned kWordBits = 64;

}  // namespace

FlavouredNames::FlavouredNames(const Index& index, const Strings& strings, const FlavouredNames* base)
    : strings_(strings), base_(base) {
    if (strings.start() != strings.end()) {
        find_spans(strings.rest(strings.start()), strings.start());
    }
    for (auto row = static_cast<std::uint32_t>(index.first_record()); row != index.rows(); ++row) {
        const std::uint32_t offset = index.name_off(row);
        if (const std::uint64_t size = size_at(offset)) {
            const auto* name = reinterpret_cast<const char*>(strings.rest(offset).data);
            names_.push_back({hash_of({name, static_cast<std::size_t>(size)}), row, offset,
                              static_cast<std::uint32_t>(size)});
        }
    }
    merge_sort(names_, [](const Name& a, const Name& b) { return a.hash < b.hash; });
}

std::uint32_t FlavouredNames::hash_of(std::string_view essential) { return btfmmap::hash_of(essential); }

// Searches for three underscores in a row, at 64 positions at a time.
void FlavouredNames::find_spans(Bytes section, std::uint64_t start) {
    blocks_.assign((section.size >> kBlockBits) / kWordBits + 1, 0);
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(section.data);
    std::uint64_t before = 0;  // the mask of the previous positions
    const auto check = [&](std::uint64_t mask, std::size_t at) {
        std::uint64_t ends = mask & (mask << 1 | before >> 63) & (mask << 2 | before >> 62);
        for (; ends != 0; ends &= ends - 1) {
            const std::size_t end = at + static_cast<std::size_t>(__builtin_ctzll(ends)) + 1;
            const auto is_outside = [&](std::size_t neighbour) {
                return bytes[neighbour] != 0 && bytes[neighbour] != '_';
            };
            if (end > kSeparatorSize && end < section.size && is_outside(end - kSeparatorSize - 1) &&
                is_outside(end)) {
                add_separator(section, start, end - kSeparatorSize - 1);
            }
        }
        before = mask;
    };
    std::size_t at = 0;
    for (; section.size - at >= kMaskBits; at += kMaskBits) {
        check(match_mask<'_'>(bytes + at), at);
    }
    std::uint8_t tail[kMaskBits] = {};
    std::memcpy(tail, bytes + at, section.size - at);
    check(match_mask<'_'>(tail), at);
}

// `last` is the position of the last character before a separator, above that of the previous call.
void FlavouredNames::add_separator(Bytes section, std::uint64_t start, std::size_t last) {
    const std::size_t from = spans_.empty() ? 0 : static_cast<std::size_t>(spans_.back().last - start);
    const auto* nul = static_cast<const std::byte*>(::memrchr(section.data + from, 0, last - from));
    std::size_t first = from;
    if (nul != nullptr || spans_.empty()) {
        first = nul == nullptr ? 0 : static_cast<std::size_t>(nul - section.data) + 1;
        spans_.push_back({start + first, start + last});
    } else {
        spans_.back().last = start + last;
    }
    for (std::size_t block = first >> kBlockBits; block <= last >> kBlockBits; ++block) {
        blocks_[block / kWordBits] |= std::uint64_t{1} << block % kWordBits;
    }
}

std::uint64_t FlavouredNames::size_at(std::uint64_t offset) const {
    const FlavouredNames* owner = this;
    while (offset < owner->strings_.start()) {
        owner = owner->base_;
    }
    const std::uint64_t block = (offset - owner->strings_.start()) >> kBlockBits;
    if (block / kWordBits >= owner->blocks_.size() ||
        (owner->blocks_[static_cast<std::size_t>(block / kWordBits)] >> block % kWordBits & 1) == 0) {
        return 0;
    }
    const auto span = std::lower_bound(owner->spans_.begin(), owner->spans_.end(), offset,
                                       [](const Span& each, std::uint64_t at) { return each.last < at; });
    return span == owner->spans_.end() || span->start > offset ? 0 : span->last + 1 - offset;
}

std::size_t FlavouredNames::first(std::uint32_t hash) const {
    const auto found = std::lower_bound(names_.begin(), names_.end(), hash,
                                        [](const Name& name, std::uint32_t at) { return name.hash < at; });
    return static_cast<std::size_t>(found - names_.begin());
}

bool FlavouredNames::is(const Name& name, std::string_view essential) const {
    return name.size == essential.size() &&
           std::memcmp(strings_.rest(name.offset).data, essential.data(), essential.size()) == 0;
}

}  // namespace btfmmap::core_relo
