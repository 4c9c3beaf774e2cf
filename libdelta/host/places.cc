#include "libdelta/host/places.h"

#include <algorithm>
#include <memory>

#include "libdelta/host/bit_cost.h"

namespace libdelta {
namespace {

// What is returned, by the size of a unit: place in a unit, and where it may matter place in a word.
constexpr uint32_t kBytePlaces = 0b0000;
constexpr uint32_t kHalfwordPlaces = 0b1101;
constexpr uint32_t kWordPlaces = 0b1111;

constexpr size_t kSamples = 64;
constexpr size_t kSampleSize = 4096;
constexpr uint64_t kPairCost = 5 * kBitCostOne;  // To learn of one that occurs.

// How often each byte follows each other one, at each place of a unit.
struct PairCounts {
  uint32_t at[4][256][256];
};

// What the image's bytes cost if each is predicted by the one before and the place, `position & mask`.
uint64_t CostOfBytes(ByteView image, size_t mask, PairCounts* counts) {
  *counts = {};
  const size_t blocks = (image.size() + kSampleSize - 1) / kSampleSize;
  const size_t step = (blocks + kSamples - 1) / kSamples * kSampleSize;
  for (size_t start = 0; start < image.size(); start += step) {
    const size_t end = std::min(start + kSampleSize, image.size());
    for (size_t i = start + 1; i < end; ++i) ++counts->at[i & mask][image[i - 1]][image[i]];
  }
  uint64_t cost = 0;
  for (size_t place = 0; place <= mask; ++place) {
    for (const auto& row : counts->at[place]) {
      uint64_t total = 0;
      for (const uint64_t count : row) {
        if (count == 0) continue;
        total += count;
        cost += kPairCost - count * Log2Cost(count);
      }
      if (total != 0) cost += total * Log2Cost(total);
    }
  }
  return cost;
}

}  // namespace

uint32_t ChoosePlaces(ByteView image) {
  const auto counts = std::make_unique<PairCounts>();
  const uint64_t bytes = CostOfBytes(image, 0, counts.get());
  const uint64_t halfwords = CostOfBytes(image, 1, counts.get());
  const uint64_t words = CostOfBytes(image, 3, counts.get());
  if (std::min(bytes, words) >= halfwords) return kHalfwordPlaces;
  return bytes <= words ? kBytePlaces : kWordPlaces;
}

}  // namespace libdelta
