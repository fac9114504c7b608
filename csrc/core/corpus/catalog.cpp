#include "core/corpus/catalog.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <numeric>
#include <string>
#include <utility>

#include "core/base/error.hpp"
#include "core/corpus/words.hpp"

namespace btfmmap::corpus {

namespace {

using std::size_t;
using std::uint32_t;

// BTFs that the next one may follow: kernels of two architectures may take turns.
constexpr size_t kMaxKept = 2;
// A kernel with more equal types without a name is not followed: each row is compared with all. Kernels have
// ten at most.
constexpr size_t kMaxEquals = 32;
// The memory for these is kept from one BTF to the next if it is that of a usual kernel.
constexpr size_t kMaxKeptNumbers = size_t{1} << 22;

// Returns how many of the first rows have the same kind, which tells architectures apart.
size_t equal_kinds(const Index& index, const Entry& other) {
    const Index& before = other.sizes->btf().index();
    const size_t rows = std::min({index.rows(), before.rows(), size_t{4096}});
    return std::inner_product(index.kinds(), index.kinds() + rows, before.kinds(), size_t{0}, std::plus<>(),
                              [](std::uint8_t one, std::uint8_t two) { return size_t{one == two}; });
}

// Whether equal records of two BTFs mean the same. A distilled BTF has no members, and so no padding.
bool are_comparable(const Btf& one, const Btf& other) {
    return one.index().order() == other.index().order() && one.pointer_size() == other.pointer_size() &&
           one.distilled() == other.distilled();
}

// Calls `type(word)` and `name(word)` with the words of a record that are numbers of types and names.
template <class Type, class Name>
void each_number(std::vector<uint32_t>& words, Type type, Name name) {
    if (words.size() < kHeadWords) {
        return;
    }
    name(words[HeadWord::name]);
    const uint32_t number = words[HeadWord::kind] & 0xff;
    if ((words[HeadWord::kind] & kReferenceBit) != 0 || number >= kMaxKinds) {
        return;
    }
    const Kind kind = static_cast<Kind>(number);
    const auto each = [&words](size_t first, size_t step, auto visit) {
        for (size_t at = first; at < words.size(); at += step) {
            visit(words[at]);
        }
    };
    if (kind == Kind::Array || shape_of(kind).head_refers) {
        type(words[HeadWord::value]);
    }
    if (kind == Kind::Array) {
        type(words[HeadWord::index_type]);
    } else if (is_composite(kind)) {
        each(kHeadWords + kLayoutWords, kMemberWords, name);
        each(kHeadWords + kLayoutWords + 1, kMemberWords, type);
    } else if (is_enum(kind)) {
        each(kHeadWords, kEnumeratorWords, name);
    } else if (kind == Kind::FuncProto) {
        each(kHeadWords, kParamWords, name);
        each(kHeadWords + 1, kParamWords, type);
    } else if (kind == Kind::Datasec) {
        each(kHeadWords, kSecinfoWords, type);
    }
}

}  // namespace

std::shared_ptr<const Entry> Catalog::add(std::shared_ptr<const BtfSizes> sizes,
                                          std::shared_ptr<const Entry> base) {
    if ((sizes->btf().base() == nullptr) != (base == nullptr)) {
        throw Error::invalid_argument("the base of a split BTF must be added before it");
    }
    const bool standalone = base == nullptr;
    EntryPtr entry = standalone ? add_after_similar(sizes) : nullptr;
    if (entry == nullptr) {
        entry = Addition(store_, std::move(sizes), std::move(base)).add_all();
        if (standalone) {
            keep(entry, kept_.size() < kMaxKept ? nullptr : kept_.back().get());
        }
    }
    if (store_.name_numbers.capacity() > kMaxKeptNumbers) {
        store_.name_numbers = {};
    }
    return entry;
}

// Returns nullptr if none of the BTFs before is similar, or can be followed.
Catalog::EntryPtr Catalog::add_after_similar(const std::shared_ptr<const BtfSizes>& sizes) {
    const Btf& btf = sizes->btf();
    std::vector<EntryPtr> kept = kept_;
    std::stable_sort(kept.begin(), kept.end(),
                     [&index = btf.index()](const EntryPtr& one, const EntryPtr& other) {
                         return equal_kinds(index, *one) > equal_kinds(index, *other);
                     });
    for (const EntryPtr& before : kept) {
        if (!are_comparable(btf, before->sizes->btf())) {
            continue;
        }
        const RowPairs pairs(btf, before->sizes->btf());
        if (pairs.is_complete()) {
            EntryPtr entry = add_after(sizes, *before, pairs);
            if (entry != nullptr) {
                keep(entry, before.get());
            }
            return entry;
        }
    }
    return nullptr;
}

// Returns nullptr if that does not succeed.
Catalog::EntryPtr Catalog::add_after(const std::shared_ptr<const BtfSizes>& sizes, const Entry& before,
                                     const RowPairs& pairs) {
    std::vector<uint32_t> equals = before.equals;
    EntryPtr entry;
    if (before.cycles == 0 && equals.size() <= kMaxEquals) {
        entry = Addition(store_, sizes, nullptr).add_after(before, pairs, equals);
    }
    // Types are equal that were not so before: again, without taking over either.
    if (entry == nullptr && equals.size() != before.equals.size() && equals.size() <= kMaxEquals) {
        entry = Addition(store_, sizes, nullptr).add_after(before, pairs, equals);
    }
    return entry;
}

// Keeps a BTF for the next ones, in place of another. Its bytes must be those that were numbered.
void Catalog::keep(const EntryPtr& entry, const Entry* replaced) {
    if (!entry->sizes->btf().mapping().constant()) {
        return;
    }
    const auto is_replaced = [replaced](const EntryPtr& each) { return each.get() == replaced; };
    kept_.erase(std::remove_if(kept_.begin(), kept_.end(), is_replaced), kept_.end());
    kept_.insert(kept_.begin(), entry);
}

std::vector<uint32_t> Catalog::unnamed(uint32_t first) const {
    std::vector<uint32_t> found;
    for (uint32_t number = std::max(first, 1U); number < records(); ++number) {
        uint32_t head[HeadWord::name + 1] = {};
        std::memcpy(head, record(number).data(), std::min(record(number).size(), sizeof(head)));
        const bool is_tag = (head[HeadWord::kind] & 0xff) == static_cast<uint32_t>(Kind::TypeTag);
        if ((head[HeadWord::kind] & kReferenceBit) == 0 && (head[HeadWord::name] == 0 || is_tag)) {
            found.push_back(number);
        }
    }
    return found;
}

std::vector<uint32_t> Catalog::references(const std::vector<uint32_t>& numbers) const {
    std::vector<bool> used(records());
    std::vector<uint32_t> words;
    for (const uint32_t number : numbers) {
        const std::string_view record = this->record(number);
        if (record.empty()) {
            continue;  // number 0
        }
        words.resize(record.size() / sizeof(uint32_t));
        std::memcpy(words.data(), record.data(), words.size() * sizeof(uint32_t));
        const auto type = [&used](uint32_t referred) {
            if (referred < used.size()) {
                used[referred] = true;
            }
        };
        each_number(words, type, [](uint32_t) {});
    }
    std::vector<uint32_t> found;
    for (uint32_t number = 1; number < used.size(); ++number) {
        if (used[number]) {
            found.push_back(number);
        }
    }
    return found;
}

uint32_t Catalog::add_record(const uint32_t* words, size_t count) {
    return store_.records.intern({reinterpret_cast<const char*>(words), count * sizeof(uint32_t)});
}

uint32_t Catalog::add_record_of(const uint32_t* words, size_t count, const std::vector<uint32_t>& names,
                                const std::vector<uint32_t>& records) {
    const auto translate = [](const std::vector<uint32_t>& numbers) {
        return [&numbers](uint32_t& number) {
            if (number >= numbers.size()) {
                throw Error::invalid_argument("a record refers to number " + std::to_string(number) + " of " +
                                              std::to_string(numbers.size()));
            }
            number = numbers[number];
        };
    };
    std::vector<uint32_t>& found = store_.words;
    found.assign(words, words + count);
    each_number(found, translate(records), translate(names));
    last_added_ = store_.records.intern_after(
        last_added_, {reinterpret_cast<const char*>(found.data()), count * sizeof(uint32_t)});
    return last_added_;
}

}  // namespace btfmmap::corpus
