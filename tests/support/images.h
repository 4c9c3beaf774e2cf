// Pairs of images for tests of encoder and decoder: generated, the same on every run and everywhere.
#ifndef LIBDELTA_TESTS_SUPPORT_IMAGES_H_
#define LIBDELTA_TESTS_SUPPORT_IMAGES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "libdelta/host.h"

namespace libdelta::testing {

// A pair by name. The images are made when they are asked for.
struct NamedPair {
  const char* name;
  Bytes (*old_image)();
  Bytes (*new_image)();
};

// Empty images, single bytes, images shorter than a reference or a block.
const std::vector<NamedPair>& TinyPairs();

// Edited, moved, incompressible, periodic and otherwise awkward images of a few KiB.
const std::vector<NamedPair>& AwkwardPairs();

// Linked Thumb programs: functions and variables that moved, calls and pointers that followed them.
const std::vector<NamedPair>& ThumbPairs();

// All of them.
std::vector<NamedPair> AllPairs();

// How PrintTo() shows a pair in the name of a test.
std::string PairName(const NamedPair& pair);

// Repeats `pattern` up to `size` bytes.
Bytes Periodic(const Bytes& pattern, size_t size);

// The infinite Fibonacci word over two bytes, cut at `size`: highly repetitive, yet not periodic.
Bytes FibonacciWord(size_t size);

// A cyclic de Bruijn sequence: each pair of bytes below `letters` once, in letters * letters bytes.
Bytes DeBruijn(uint32_t letters);

// Text over a few letters with frequencies as in a language.
Bytes TextLike(size_t size, uint64_t seed);

// `image` with about one change in `spacing` bytes: replaced, inserted or deleted ones.
Bytes WithEdits(const Bytes& image, size_t spacing, uint64_t seed);

// `image` cut into blocks of `block` bytes, in another order.
Bytes WithBlocksShuffled(const Bytes& image, size_t block, uint64_t seed);

}  // namespace libdelta::testing

#endif  // LIBDELTA_TESTS_SUPPORT_IMAGES_H_
