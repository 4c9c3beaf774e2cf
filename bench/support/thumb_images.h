// Deterministic pairs of images that look like linked Thumb firmware: functions with calls, literal
// pools with pointers to functions, strings and RAM, tables; the new one comes from editing the
// *program* and linking it again, so every address moves as it does in real releases. For measuring
// on machines that have no corpus; never for tuning.
#ifndef BENCH_SUPPORT_THUMB_IMAGES_H_
#define BENCH_SUPPORT_THUMB_IMAGES_H_

#include <cstdint>

#include "libdelta/host.h"

namespace bench {

struct ImagePair {
  libdelta::Bytes old_image;
  libdelta::Bytes new_image;
};

struct ThumbProgram {
  uint64_t seed = 1;
  uint32_t size = 64 * 1024;        // Of the old image, bytes; met to about a percent.
  uint32_t edited_per_mille = 20;   // Functions whose code changes.
  uint32_t replaced_per_mille = 0;  // Functions written anew.
  uint32_t added_per_mille = 5;     // New functions, of those present.
  uint32_t variables_added = 1;     // Variables inserted in RAM, each moves those behind it.
};

// The same program gives the same pair everywhere.
ImagePair MakeThumbImages(const ThumbProgram& program);

// `size` bytes that no coder can shrink.
libdelta::Bytes MakeNoise(uint64_t seed, uint32_t size);

}  // namespace bench

#endif  // BENCH_SUPPORT_THUMB_IMAGES_H_
