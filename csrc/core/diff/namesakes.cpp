#include "core/diff/namesakes.hpp"
#include "core/base/merge_sort.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace btfmmap::diff {

namespace {

using fingerprint::Hash;
using std::size_t;
using std::uint32_t;
using std::uint64_t;

std::pair<uint64_t, uint64_t> key(const Hash& hash) { return {hash.high, hash.low}; }

struct Candidate {
    uint32_t old_number, new_number;
    uint64_t common, all;  // features
    uint64_t size_difference;

    // Whether two candidates have as much in common.
    bool ties_with(const Candidate& other) const {
        return common * other.all == other.common * all && size_difference == other.size_difference;
    }
    bool precedes(const Candidate& other) const {
        const uint64_t left = common * other.all, right = other.common * all;
        if (left != right) {
            return left > right;
        }
        if (size_difference != other.size_difference) {
            return size_difference < other.size_difference;
        }
        return old_number != other.old_number ? old_number < other.old_number : new_number < other.new_number;
    }
};

Candidate candidate(const Namesake& left, const Namesake& right, uint32_t old_number, uint32_t new_number) {
    uint64_t common = 0;
    for (auto i = left.features.begin(), j = right.features.begin();
         i != left.features.end() && j != right.features.end();) {
        if (*i == *j) {
            ++common, ++i, ++j;
        } else {
            ++(*i < *j ? i : j);
        }
    }
    const uint64_t all = left.features.size() + right.features.size() - common;
    const uint64_t difference = left.size > right.size ? left.size - right.size : right.size - left.size;
    return {old_number, new_number, all == 0 ? 1 : common, all == 0 ? 1 : all, difference};
}

}  // namespace

NamesakePairing::NamesakePairing(std::vector<Namesake>& olds, std::vector<Namesake>& news)
    : olds_(olds), news_(news), old_free_(olds.size(), true), new_free_(news.size(), true) {}

void NamesakePairing::pair_equal() {
    for (const auto depth : {&Namesake::deep, &Namesake::declaration, &Namesake::layout}) {
        pair_equal(depth);
    }
}

std::vector<uint32_t> NamesakePairing::free(const std::vector<bool>& marks) {
    std::vector<uint32_t> numbers;
    for (uint32_t i = 0; i != marks.size(); ++i) {
        if (marks[i]) {
            numbers.push_back(i);
        }
    }
    return numbers;
}

void NamesakePairing::take(uint32_t old_number, uint32_t new_number, bool uncertain) {
    old_free_[old_number] = new_free_[new_number] = false;
    pairs_.push_back({old_number, new_number, uncertain});
}

template <class Depth>
void NamesakePairing::pair_equal(Depth depth) {
    const auto sorted = [&](const std::vector<Namesake>& all, std::vector<uint32_t> numbers) {
        merge_sort(numbers, [&](uint32_t left, uint32_t right) {
            return key(all[left].*depth) < key(all[right].*depth);
        });
        return numbers;
    };
    const auto olds = sorted(olds_, free_olds()), news = sorted(news_, free_news());
    for (size_t i = 0, j = 0; i != olds.size() && j != news.size();) {
        const auto left = key(olds_[olds[i]].*depth), right = key(news_[news[j]].*depth);
        if (left == right) {
            take(olds[i++], news[j++], false);
        } else {
            ++(left < right ? i : j);
        }
    }
}

void NamesakePairing::pair_similar(uint64_t& budget) {
    // All pairs are kept at once.
    constexpr uint64_t most_pairs = uint64_t{1} << 20;
    const uint64_t needed = cost();
    if (needed > budget || uint64_t{free_olds().size()} * free_news().size() > most_pairs) {
        pair_by_order();
    } else {
        budget -= needed;
        pair_by_content();
    }
}

// The number of steps of pair_by_content().
uint64_t NamesakePairing::cost() const {
    const auto features = [](const std::vector<Namesake>& all, const std::vector<uint32_t>& numbers) {
        uint64_t sum = 0;
        for (const uint32_t number : numbers) {
            sum += all[number].features.size();
        }
        return sum;
    };
    const auto olds = free_olds(), news = free_news();
    const uint64_t pairs = uint64_t{olds.size()} * news.size();
    return features(olds_, olds) * news.size() + features(news_, news) * olds.size() +
           pairs * std::min(olds.size(), news.size());
}

void NamesakePairing::pair_by_content() {
    std::vector<Candidate> candidates;
    for (const uint32_t i : free_olds()) {
        for (const uint32_t j : free_news()) {
            candidates.push_back(candidate(olds_[i], news_[j], i, j));
        }
    }
    std::sort(candidates.begin(), candidates.end(),
              [](const Candidate& left, const Candidate& right) { return left.precedes(right); });
    const auto is_free = [this](const Candidate& each) {
        return old_free_[each.old_number] && new_free_[each.new_number];
    };
    for (auto best = candidates.begin(); best != candidates.end(); ++best) {
        if (!is_free(*best)) {
            continue;
        }
        // Candidates that are as good follow each other.
        auto other = best + 1;
        while (other != candidates.end() && other->ties_with(*best) &&
               !(is_free(*other) &&
                 (other->old_number == best->old_number || other->new_number == best->new_number))) {
            ++other;
        }
        take(best->old_number, best->new_number, other != candidates.end() && other->ties_with(*best));
    }
}

void NamesakePairing::pair_by_order() {
    const auto olds = free_olds(), news = free_news();
    for (size_t i = 0; i != std::min(olds.size(), news.size()); ++i) {
        take(olds[i], news[i], true);
    }
}

}  // namespace btfmmap::diff
