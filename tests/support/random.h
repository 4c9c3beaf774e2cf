// Numbers that are the same on every platform and fit the types of this project without casts.
#ifndef LIBDELTA_TESTS_SUPPORT_RANDOM_H_
#define LIBDELTA_TESTS_SUPPORT_RANDOM_H_

#include <cstdint>

namespace libdelta::testing {

// The upper half of a SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint32_t operator()() {
    state_ += 0x9e3779b97f4a7c15u;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return static_cast<uint32_t>((z ^ (z >> 31)) >> 32);
  }

  uint32_t Below(uint64_t limit) { return static_cast<uint32_t>((*this)() % limit); }
  uint8_t Byte() { return static_cast<uint8_t>((*this)()); }

 private:
  uint64_t state_;
};

}  // namespace libdelta::testing

#endif  // LIBDELTA_TESTS_SUPPORT_RANDOM_H_
