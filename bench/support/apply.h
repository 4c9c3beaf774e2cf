// Runs the device library on images in memory.
#ifndef BENCH_SUPPORT_APPLY_H_
#define BENCH_SUPPORT_APPLY_H_

#include <cstddef>
#include <string>
#include <vector>

#include "libdelta/adapters/sodium.h"
#include "libdelta/device.h"
#include "libdelta/host.h"

namespace bench {

// The hashes of apply runs: computed, or those of an earlier run over the same bytes given again at no
// cost, which is how a run without digests is timed.
struct Digests {
  libdelta_sodium_state state;
  std::vector<libdelta::Bytes> results;  // In the order of the run.
  size_t next = 0;                       // Of `results`, when replaying.
};

// Crypto callbacks for one run. `*digests` must outlive it.
libdelta_crypto ComputeDigests(Digests* digests);
libdelta_crypto ReplayDigests(Digests* digests);

// Applies the unsigned `patch`, pushed in pieces of at most `piece` bytes, in exactly the RAM that it
// declares. `*new_image` must have the size of the new image.
libdelta_status Apply(libdelta::ByteView old_image, libdelta::ByteView patch, size_t piece,
                      const libdelta_crypto& crypto, libdelta::Bytes* new_image);

// Applies the unsigned `patch` and compares. Empty if the result is `new_image`, otherwise what is wrong.
std::string CheckPatch(libdelta::ByteView old_image, libdelta::ByteView new_image, libdelta::ByteView patch);

}  // namespace bench

#endif  // BENCH_SUPPORT_APPLY_H_
