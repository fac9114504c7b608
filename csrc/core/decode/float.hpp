#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace btfmmap {

// Returns the value of an IEEE 754 number of half precision.
inline double half_float(std::uint16_t bits) {
    constexpr int kFractionBits = 10, kBias = 15, kMaxExponent = 31;
    const int exponent = bits >> kFractionBits & kMaxExponent;
    const int fraction = bits & ((1 << kFractionBits) - 1);
    double value = 0;
    if (exponent == kMaxExponent) {
        value = fraction == 0 ? std::numeric_limits<double>::infinity()
                              : std::numeric_limits<double>::quiet_NaN();
    } else {
        const int hidden = exponent == 0 ? 0 : 1 << kFractionBits;
        value = std::ldexp(hidden + fraction, (exponent == 0 ? 1 : exponent) - kBias - kFractionBits);
    }
    return (bits >> 15) != 0 ? -value : value;
}

inline double single_float(std::uint32_t bits) {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return static_cast<double>(value);
}

inline double double_float(std::uint64_t bits) {
    double value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

}  // namespace btfmmap
