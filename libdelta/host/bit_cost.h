// Integer prices of coded decisions, so that no encoder decision depends on floating point.
#ifndef LIBDELTA_HOST_BIT_COST_H_
#define LIBDELTA_HOST_BIT_COST_H_

#include <array>
#include <bit>
#include <cstdint>

namespace libdelta {

constexpr uint32_t kBitCostOne = 256;  // Cost units per bit.

// log2(x) in cost units, x >= 1, by repeated squaring: exact to the last unit or so on every platform.
constexpr uint32_t Log2Cost(uint64_t x) {
  const uint32_t whole = static_cast<uint32_t>(63 - std::countl_zero(x));
  uint64_t mantissa = whole >= 31 ? x >> (whole - 31) : x << (31 - whole);  // 1.31 fixed point.
  uint32_t result = whole;
  for (int i = 0; i < 8; ++i) {
    mantissa = (mantissa * mantissa) >> 31;
    result <<= 1;
    if (mantissa >> 32) {
      result |= 1;
      mantissa >>= 1;
    }
  }
  return result;
}

// What coding costs, finer and to the nearest unit: sums of many decisions that are nearly free must be
// right.
constexpr uint32_t kFineCostOne = 65536;  // Units per bit.

namespace internal {
constexpr std::array<uint32_t, 4097> MakeBitCosts() {
  std::array<uint32_t, 4097> costs{};
  costs[0] = 12 * kFineCostOne;
  for (uint32_t p = 1; p <= 4096; ++p) {
    uint32_t whole = 0;
    while (p >> (whole + 1) != 0) ++whole;
    uint64_t mantissa = uint64_t{p} << (31 - whole);
    uint32_t log = whole;
    for (int i = 0; i < 17; ++i) {
      mantissa = (mantissa * mantissa) >> 31;
      log <<= 1;
      if (mantissa >> 32) {
        log |= 1;
        mantissa >>= 1;
      }
    }
    costs[p] = 12 * kFineCostOne - (log + 1) / 2;
  }
  return costs;
}
inline constexpr std::array<uint32_t, 4097> kBitCosts = MakeBitCosts();
}  // namespace internal

// Of an event of probability p12 / 4096.
inline uint32_t BitCost(uint32_t p12) { return internal::kBitCosts[p12]; }

}  // namespace libdelta

#endif  // LIBDELTA_HOST_BIT_COST_H_
