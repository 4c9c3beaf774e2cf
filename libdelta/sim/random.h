// Random numbers for simulations, tests and generated images: the same for a seed on every platform.
#ifndef LIBDELTA_SIM_RANDOM_H_
#define LIBDELTA_SIM_RANDOM_H_

#include <cstdint>

namespace libdelta {

// Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
class SplitMix64 {
 public:
  explicit SplitMix64(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15u;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  // Less than `limit`, which is not 0.
  uint64_t Below(uint64_t limit) { return Next() % limit; }

 private:
  uint64_t state_;
};

}  // namespace libdelta

#endif  // LIBDELTA_SIM_RANDOM_H_
