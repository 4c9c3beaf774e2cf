// What the host expects of references is what the codec, and with it every device, predicts.
#include <gtest/gtest.h>

#include "libdelta/host/payload.h"
#include "libdelta/wire/codec.h"
#include "tests/support/decoding.h"
#include "tests/support/payloads.h"
#include "tests/support/random_plans.h"

namespace libdelta::testing {
namespace {

constexpr uint32_t kArena = 60000;

// Then the stream says nothing but that: no flag for a unit, no byte of a copy.
TEST(Predict, HostAndCodecAgree) {
  uint64_t changed = 0;
  for (uint64_t seed = 0; seed < 600; ++seed) {
    const PlannedPair pair = MakePlannedPair(seed);
    const CostTrace trace = TracePayload(pair.old_image, pair.new_image, pair.plan, kArena);
    ASSERT_FALSE(trace.costs.empty());
    for (const CostTrace::Cost& cost : trace.costs) {
      const Stream stream = static_cast<Stream>(cost.stream);
      ASSERT_TRUE(stream != Stream::kReferences && stream != Stream::kHits && stream != Stream::kMisses)
          << "seed " << seed << " position " << cost.position;
    }
    for (const CostTrace::Piece& piece : trace.pieces) {
      for (uint64_t i = 0; piece.origin == CostTrace::Origin::kOldCopy && i < piece.length; ++i) {
        changed += pair.old_image[piece.source + i] != pair.new_image[piece.position + i];
      }
    }
  }
  EXPECT_GT(changed, 100000u);  // Or templates that never match would pass as well.
}

TEST(Predict, DecoderGivesWhatWasCoded) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const PlannedPair pair = MakePlannedPair(seed, seed % 3 == 0 ? 0 : 20);
    const CodedPlan coded = CodePlan(pair.old_image, pair.new_image, pair.plan, kArena);
    ASSERT_EQ(coded.status, LIBDELTA_OK);
    const DecodeOutcome outcome =
        DecodeInPieces({pair.old_image, pair.new_image.size(), coded.data, kArena}, 1 + seed * 7);
    ASSERT_EQ(outcome.problem, "");
    ASSERT_EQ(outcome.status, LIBDELTA_OK);
    ASSERT_TRUE(outcome.new_image == pair.new_image) << "seed " << seed;
  }
}

// It must be hostile indeed: every byte of the copy but a few at its end takes a flag for each template.
TEST(Predict, HostilePairsMakeAllTemplatesFail) {
  const PlannedPair pair = MakeHostilePair(kArena);
  const CostTrace trace = TracePayload(pair.old_image, pair.new_image, pair.plan, kArena);
  std::vector<uint32_t> flags(pair.new_image.size());
  for (const CostTrace::Cost& cost : trace.costs) {
    if (static_cast<Stream>(cost.stream) == Stream::kReferences) ++flags[cost.position];
  }
  uint64_t all = 0;
  for (const uint32_t count : flags) all += count;
  EXPECT_GT(all, kMaxTemplates * pair.new_image.size() * 9 / 10);
}

}  // namespace
}  // namespace libdelta::testing
