// The parse: which pieces of the new image come from where.
#ifndef LIBDELTA_HOST_PARSE_H_
#define LIBDELTA_HOST_PARSE_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "libdelta/host/analysis.h"
#include "libdelta/host/matcher.h"
#include "libdelta/host/matches.h"
#include "libdelta/host/plan.h"
#include "libdelta/host/references.h"

namespace libdelta {

struct ParseInput {
  ByteView old_image;
  ByteView new_image;
  const ReferenceScan* old_scan;
  const ReferenceScan* new_scan;
  const OldIndex* old_index;         // Of old_scan->normalised(); null: the old image is empty.
  const PageOrder* order = nullptr;  // Of an update in place: copies can only be made of what is there.
  const std::deque<Matches>* matches = nullptr;  // If several parses are to share what they look for.
};

// What the model is expected to charge; it depends on the image.
struct ParsePrices {
  uint32_t literal_scale = 40;  // Of a literal, in 1/64 of what order-1 statistics suggest.
  uint32_t copy_bits = 14;      // Of a copy from the output, its distance aside.
};

struct ParseOptions {
  bool maps_known = false;  // Expect references as the plan's maps predict them, not just somewhere.
  ParsePrices prices;
  int output_tries = 400;    // Places in the output looked at for copies to one position.
  size_t window = 2u << 20;  // Bytes parsed at once, which limits memory. Copies from the output stay inside.
  unsigned threads = 1;
};

// What parses with these tries and windows will look for.
std::deque<Matches> PrepareMatches(const ParseInput& input, const ParseOptions& options);

// The cheapest sequence of operations for the whole new image, in order. Copies from the old image may
// contain mismatches. Of `plan`, templates and maps are used.
std::vector<Operation> Parse(const ParseInput& input, const Plan& plan, const ParseOptions& options);

// Relocates references as the codec does.
class Relocator {
 public:
  // Of the plan's maps as they are then; the plan must outlive it.
  Relocator(const Plan& plan, uint64_t old_size);
  // What the predicted word of the reference at `old_position` becomes at `new_position`. Empty: it stays.
  std::optional<uint32_t> Change(const Template& t, const Words& words, uint64_t old_position,
                                 uint64_t new_position) const;
  uint32_t Relocate(uint32_t address) const;
  bool Known(uint32_t address) const;  // In either map.

 private:
  uint64_t MapOffset(uint32_t offset) const;

  const Plan& plan_;
  uint64_t old_size_;
  // For each stretch of the old image, the entries of its map up to there.
  std::vector<uint32_t> entries_before_;
};

}  // namespace libdelta

#endif  // LIBDELTA_HOST_PARSE_H_
