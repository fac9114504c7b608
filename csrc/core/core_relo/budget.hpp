#pragma once

#include <cstdint>

namespace btfmmap::core_relo {

// Counts the steps of walks over types: members, parameters and enumerators that are looked at. A hostile
// file can make the number of paths through its types exponential.
class Budget {
public:
    // `relocations` share a number of steps; a single one may take no more than kMaxSteps.
    explicit Budget(std::uint64_t relocations) : total_(kMinTotal + relocations * kMeanSteps) {}

    // Starts the next relocation.
    void start() { left_ = total_ < kMaxSteps ? total_ : kMaxSteps; }

    // Returns false if there are no steps left.
    bool spend(std::uint64_t steps = 1) {
        if (steps > left_) {
            total_ -= left_;
            left_ = 0;
            return false;
        }
        left_ -= steps;
        total_ -= steps;
        return true;
    }

private:
    static constexpr std::uint64_t kMaxSteps = std::uint64_t{1} << 20;
    static constexpr std::uint64_t kMinTotal = std::uint64_t{1} << 24;
    static constexpr std::uint64_t kMeanSteps = 1 << 12;

    std::uint64_t total_;
    std::uint64_t left_ = 0;
};

}  // namespace btfmmap::core_relo
