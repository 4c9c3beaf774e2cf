// What the encoder says each decision costs, against the payload that it makes.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "libdelta/host.h"
#include "libdelta/host/bit_cost.h"
#include "tests/support/images.h"

namespace libdelta::testing {
namespace {

class CostTraceOf : public ::testing::TestWithParam<NamedPair> {
 protected:
  void Check(EncodeOptions options) {
    const Bytes old_image = GetParam().old_image();
    const Bytes new_image = GetParam().new_image();
    options.threads = 1;
    const Result<Patch> plain = Encode(old_image, new_image, options);
    CostTrace trace;
    options.trace = &trace;
    const Result<Patch> patch = Encode(old_image, new_image, options);
    ASSERT_TRUE(plain.ok() && patch.ok());
    // Whoever looks changes nothing.
    ASSERT_TRUE(plain.value().bytes == patch.value().bytes);
    const EncodeStats& stats = patch.value().stats;
    if (stats.payload == "full-zstd" || new_image.empty()) {
      EXPECT_TRUE(trace.costs.empty() && trace.pieces.empty());
      return;
    }
    std::vector<uint64_t> streams(stats.stream_bits.size());
    uint64_t sum = 0;
    for (const CostTrace::Cost& cost : trace.costs) {
      ASSERT_TRUE(cost.position < new_image.size() || cost.position == CostTrace::kNowhere);
      ASSERT_LT(cost.stream, streams.size());
      streams[cost.stream] += cost.cost;
      sum += cost.cost;
    }
    for (size_t i = 0; i < streams.size(); ++i) {
      EXPECT_EQ((streams[i] + kFineCostOne / 2) / kFineCostOne, stats.stream_bits[i].second)
          << stats.stream_bits[i].first;
    }
    // The arithmetic coder's own loss, and for each group its end.
    const double bits = static_cast<double>(sum) / kFineCostOne;
    const double payload = 8.0 * static_cast<double>(stats.payload_bytes);
    const uint64_t groups = options.group == 0 ? 1 : (new_image.size() + options.group - 1) / options.group;
    EXPECT_NEAR(payload, bits, 0.003 * payload + 24.0 * static_cast<double>(groups));
    // Pieces make up the image.
    uint64_t position = 0;
    for (const CostTrace::Piece& piece : trace.pieces) {
      ASSERT_EQ(piece.position, position);
      position += piece.length;
      if (piece.origin == CostTrace::Origin::kNewCopy) {
        ASSERT_LT(piece.source, piece.position);
        // References may differ.
        for (uint64_t i = 0; i < piece.length && !options.templates; ++i) {
          ASSERT_EQ(new_image[piece.source + i], new_image[piece.position + i]);
        }
      } else if (piece.origin == CostTrace::Origin::kOldCopy) {
        ASSERT_LE(piece.source + piece.length, old_image.size());
      }
    }
    EXPECT_EQ(position, new_image.size());
  }
};

TEST_P(CostTraceOf, AddsUp) { Check({}); }

TEST_P(CostTraceOf, AddsUpWithoutTemplates) {
  EncodeOptions options;
  options.templates = false;
  Check(options);
}

INSTANTIATE_TEST_SUITE_P(Pairs, CostTraceOf, ::testing::ValuesIn(AllPairs()),
                         [](const auto& info) { return PairName(info.param); });

class CostTraceOfProgram : public CostTraceOf {};

TEST_P(CostTraceOfProgram, AddsUpInGroups) {
  EncodeOptions options;
  options.group = 1024;
  options.ram = 8192;
  Check(options);
}

TEST_P(CostTraceOfProgram, AddsUpForWholeImages) {
  EncodeOptions options;
  options.kind = PayloadKind::kFullOnly;
  options.ram = 8192;
  Check(options);
}

INSTANTIATE_TEST_SUITE_P(Pairs, CostTraceOfProgram, ::testing::ValuesIn(ThumbPairs()),
                         [](const auto& info) { return PairName(info.param); });

}  // namespace
}  // namespace libdelta::testing
