#include "libdelta/host/references.h"

#include <bit>

namespace libdelta {

bool IsLoose(const Template& t) {
  constexpr int kOpcode = 2;  // Bits that one has at least.
  return std::popcount(uint32_t{t.mask[0]}) + std::popcount(uint32_t{t.mask[1]}) < kOpcode;
}

void SetRuns(const std::vector<Run>& runs, uint32_t unused, Template* t) {
  size_t bits = 0;
  for (size_t i = 0; i < runs.size(); ++i) {
    t->run_shift[i] = static_cast<uint8_t>(runs[i].shift + unused);
    t->run_last[i] = static_cast<uint8_t>((runs[i].length - 1u) | runs[i].word * kInOther);
    bits += runs[i].length;
  }
  t->last_run = static_cast<uint8_t>(runs.size() - 1);
  t->last_bit = static_cast<uint8_t>(bits - 1);
}

bool FindOther(const Template& t, ByteView image, uint64_t position, Words* words) {
  constexpr uint64_t kWordSize = 4;
  // Before the start this is beyond the end.
  const uint64_t other = position + static_cast<uint64_t>(int64_t{Reach(t)});
  if (other > image.size() || kWordSize > image.size() - other) return false;
  words->at[1] = LoadWord(image.data() + other, kWordSize, t.order);
  return (words->at[1] & t.mask[1]) == t.match[1] && AreTied(t, words->at);
}

uint32_t WithField(const Template& t, Words words, uint32_t field) {
  Exchange(t, words.at, field);
  return words.at[0];
}

}  // namespace libdelta
