#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/btf/btf.hpp"

namespace btfmmap {

// Types in C's spelling, such as "struct sock *", "char[16]" or "int (*)(void)". Each distinct type is
// spelled once.
class TypeNames {
public:
    // Throws Error: not_found for an ID that does not exist, not_supported for more than kMaxText bytes.
    TypeNames(const Btf& btf, const std::vector<std::int64_t>& type_ids);

    static constexpr std::uint64_t kMaxText = std::uint64_t{1} << 30;

    std::size_t distinct() const { return ends_.size(); }
    std::string_view name(std::size_t number) const {
        const std::size_t start = number == 0 ? 0 : ends_[number - 1];
        return std::string_view(text_).substr(start, ends_[number] - start);
    }
    // Returns the number of the name for each type ID.
    const std::vector<std::uint32_t>& numbers() const { return numbers_; }

private:
    std::string text_;               // of all names
    std::vector<std::size_t> ends_;  // of each name in that text
    std::vector<std::uint32_t> numbers_;
};

}  // namespace btfmmap
