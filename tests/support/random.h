// Numbers that are the same on every platform and fit the types of this project without casts.
#ifndef LIBDELTA_TESTS_SUPPORT_RANDOM_H_
#define LIBDELTA_TESTS_SUPPORT_RANDOM_H_

#include <cstdint>

#include "libdelta/sim/random.h"

namespace libdelta::testing {

// The upper halves of a SplitMix64.
class Random {
 public:
  explicit Random(uint64_t seed) : generator_(seed) {}

  uint32_t operator()() { return static_cast<uint32_t>(generator_.Next() >> 32); }
  uint32_t Below(uint64_t limit) { return static_cast<uint32_t>((*this)() % limit); }
  uint8_t Byte() { return static_cast<uint8_t>((*this)()); }

 private:
  SplitMix64 generator_;
};

}  // namespace libdelta::testing

#endif  // LIBDELTA_TESTS_SUPPORT_RANDOM_H_
