#pragma once

#include <cstdint>
#include <limits>

namespace btfmmap {

// How far it is from a type to another: the pointers followed, then the members named, then the anonymous
// structs and unions passed and indices left open. Compared in this order.
class Distance {
public:
    // The most of each. Sums of two distances are still exact.
    static constexpr std::uint32_t kMax = 255;

    static constexpr Distance zero() { return Distance(0); }
    static constexpr Distance infinite() { return Distance(std::numeric_limits<std::uint32_t>::max()); }
    static constexpr Distance pointer() { return Distance(std::uint32_t{1} << kPointers); }
    static constexpr Distance member() { return Distance(std::uint32_t{1} << kMembers); }
    static constexpr Distance detour() { return Distance(1); }

    constexpr std::uint32_t pointers() const { return bits_ >> kPointers; }
    constexpr std::uint32_t members() const { return bits_ >> kMembers & kMask; }
    constexpr std::uint32_t detours() const { return bits_ & kMask; }
    constexpr bool is_infinite() const { return bits_ == infinite().bits_; }

    // Both must be finite.
    constexpr Distance operator+(Distance other) const { return Distance(bits_ + other.bits_); }
    // `other` must be a part of this one.
    constexpr Distance operator-(Distance other) const { return Distance(bits_ - other.bits_); }
    constexpr bool within_limits() const { return members() <= kMax && detours() <= kMax; }

    constexpr bool operator<(Distance other) const { return bits_ < other.bits_; }
    constexpr bool operator==(Distance other) const { return bits_ == other.bits_; }
    constexpr bool operator!=(Distance other) const { return bits_ != other.bits_; }

private:
    static constexpr unsigned kMembers = 10, kPointers = 20;
    static constexpr std::uint32_t kMask = (1U << 10) - 1;

    explicit constexpr Distance(std::uint32_t bits) : bits_(bits) {}

    std::uint32_t bits_;
};

}  // namespace btfmmap
