#include "core/diff/version_numbers.hpp"

#include <map>
#include <tuple>

namespace btfmmap::diff {

namespace {

using std::int32_t;
using std::uint64_t;

// What versions must have in common not to differ up to a depth.
using Key = std::tuple<uint64_t, uint64_t, uint64_t, uint64_t, std::uint32_t, std::uint32_t>;

Key key_of(const Version& version, Changes::Depth depth) {
    const fingerprint::Hash& layout = version.layout;
    const fingerprint::Hash& declaration = version.declaration;
    return depth == Changes::Depth::layout ? Key{layout.high, layout.low, 0, 0, 0, 0}
                                           : Key{layout.high,     layout.low,   declaration.high,
                                                 declaration.low, version.tags, version.linkage};
}

}  // namespace

std::vector<int32_t> version_numbers(const History& history, std::uint32_t entity, Changes::Depth depth) {
    std::vector<int32_t> numbers;
    std::map<Key, int32_t> first;
    for (std::uint32_t kernel = 0; kernel != history.kernels(); ++kernel) {
        int32_t number = history.presence(entity, kernel);
        if (number != History::kAbsent && depth != Changes::Depth::deep) {
            number = first.emplace(key_of(history.version(entity, number), depth), number).first->second;
        }
        numbers.push_back(number);
    }
    return numbers;
}

}  // namespace btfmmap::diff
