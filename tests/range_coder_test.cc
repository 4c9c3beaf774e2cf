// The arithmetic encoder of the host against the decoder of the device.
#include <gtest/gtest.h>

#include <vector>

#include "libdelta/device/range_decoder.h"
#include "libdelta/host/bit_cost.h"
#include "libdelta/host/range_encoder.h"
#include "tests/support/random.h"

namespace libdelta {
namespace {

constexpr uint32_t kEven = 2048;  // Probability of a plain bit.

struct Event {
  enum Kind { kBit, kGroup } kind;
  uint32_t p12;
  int bit;
};

Bytes Encoded(const std::vector<Event>& events) {
  Bytes out;
  RangeEncoder encoder(&out);
  for (const Event& event : events) {
    if (event.kind == Event::kBit) encoder.Bit(event.p12, event.bit);
    if (event.kind == Event::kGroup) encoder.EndGroup();
  }
  encoder.EndGroup();
  return out;
}

// The decoder takes two bytes more than there are, whatever was left out.
uint32_t TakenOf(const Bytes& whole) { return static_cast<uint32_t>(whole.size()) + 2; }

// Decodes `coded` and compares. Zeros at the end that were left out are no difference.
void ExpectDecodes(const std::vector<Event>& events, const Bytes& coded, uint32_t taken) {
  RangeDecoder decoder = {};
  decoder.SetInput(coded.data(), static_cast<uint32_t>(coded.size()), 0);
  decoder.Start();
  for (size_t i = 0; i < events.size(); ++i) {
    const Event& event = events[i];
    if (event.kind == Event::kGroup) decoder.Restart();
    if (event.kind == Event::kBit) {
      ASSERT_EQ(decoder.Bit(event.p12), event.bit) << "event " << i;
    }
  }
  EXPECT_EQ(decoder.next(), taken);
}

void ExpectInverse(const std::vector<Event>& events) {
  Bytes coded = Encoded(events);
  const uint32_t taken = TakenOf(coded);
  ExpectDecodes(events, coded, taken);
  for (int i = 0; i < 2 && !coded.empty() && coded.back() == 0; ++i) {
    coded.pop_back();
    ExpectDecodes(events, coded, taken);
  }
}

int LikelyBit(testing::Random& random, uint32_t p12) { return (random() >> 8 & 4095) < p12; }

std::vector<Event> RandomEvents(uint32_t seed, size_t count, uint32_t group_chance) {
  testing::Random random(seed);
  std::vector<Event> events;
  for (size_t i = 0; i < count; ++i) {
    const uint32_t choice = random() >> 4 & 1023;
    if (choice < group_chance) {
      events.push_back({Event::kGroup, 0, 0});
    } else if (choice < 300) {
      events.push_back({Event::kBit, kEven, static_cast<int>(random() >> 9 & 1)});
    } else {
      const uint32_t p12 = 1 + (random() >> 5) % 4095;
      events.push_back({Event::kBit, p12, LikelyBit(random, p12)});
    }
  }
  return events;
}

TEST(RangeCoder, DecodesRandomEvents) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    ExpectInverse(RandomEvents(seed, 10 * seed, 0));
    if (HasFatalFailure()) return;
  }
}

TEST(RangeCoder, DecodesGroupsOfAnyLength) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    ExpectInverse(RandomEvents(seed, 300, 1 + seed));
    if (HasFatalFailure()) return;
  }
}

TEST(RangeCoder, DecodesEmptyGroups) { ExpectInverse(std::vector<Event>(9, {Event::kGroup, 0, 0})); }

// Both bytes of the last group are zeros and left out: the decoder restarts at the end of what there is.
TEST(RangeCoder, RestartsAtTheEndOfTheStream) {
  for (uint32_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    std::vector<Event> events = RandomEvents(seed, seed, 0);
    events.push_back({Event::kGroup, 0, 0});
    for (uint32_t i = 0; i < seed % 4; ++i) events.push_back({Event::kBit, kEven, 1});
    Bytes coded = Encoded(events);
    ASSERT_GE(coded.size(), 4u);
    ASSERT_EQ(coded.back(), 0);
    coded.pop_back();
    ASSERT_EQ(coded.back(), 0);
    coded.pop_back();
    ExpectDecodes(events, coded, static_cast<uint32_t>(coded.size()) + 4);
    if (HasFatalFailure()) return;
  }
}

// The least likely events, the most likely ones, and runs that let a carry travel far.
TEST(RangeCoder, DecodesExtremeProbabilities) {
  for (const uint32_t p12 : {1u, 2u, kEven, 4094u, 4095u}) {
    for (const int bit : {0, 1}) {
      ExpectInverse(std::vector<Event>(20000, {Event::kBit, p12, bit}));
      if (HasFatalFailure()) return;
    }
  }
}

TEST(RangeCoder, DecodesLongCarries) {
  testing::Random random(5);
  for (int round = 0; round < 300; ++round) {
    // Zeros at p = 1 keep the interval at the top of the range: bytes of 0xff until a carry, or none.
    std::vector<Event> events(random() % 400, {Event::kBit, 1, 0});
    for (int i = 0; i < 40; ++i) events.push_back({Event::kBit, kEven, 0});
    for (int i = 0; i < 20; ++i) {
      const uint32_t p12 = random() % 2 ? 1u : 4095u;
      events.push_back({Event::kBit, p12, static_cast<int>(random() >> 7 & 1)});
    }
    ExpectInverse(events);
    if (HasFatalFailure()) return;
  }
}

// A group decodes alike whatever bytes follow it.
TEST(RangeCoder, GroupDoesNotDependOnWhatFollows) {
  for (uint32_t seed = 0; seed < 100; ++seed) {
    const std::vector<Event> events = RandomEvents(seed, 100, 0);
    const Bytes coded = Encoded(events);
    for (const uint8_t filler : {uint8_t{0}, uint8_t{0x80}, uint8_t{0xff}}) {
      Bytes longer = coded;
      longer.insert(longer.end(), 8, filler);
      RangeDecoder decoder = {};
      decoder.SetInput(longer.data(), static_cast<uint32_t>(longer.size()), 0);
      decoder.Start();
      for (const Event& event : events) {
        ASSERT_EQ(decoder.Bit(event.p12), event.bit) << "seed " << seed;
      }
      EXPECT_EQ(decoder.next(), TakenOf(coded));
    }
  }
}

// As the device does it: before any event the input may move to another buffer, without what has been
// taken but for the last two bytes.
TEST(RangeCoder, ContinuesInAnotherBuffer) {
  for (uint32_t seed = 0; seed < 100; ++seed) {
    const std::vector<Event> events = RandomEvents(seed, 200, 100);
    Bytes left = Encoded(events);
    RangeDecoder decoder = {};
    decoder.SetInput(left.data(), static_cast<uint32_t>(left.size()), 0);
    decoder.Start();
    for (size_t i = 0; i < events.size(); ++i) {
      if (i % (1 + seed % 5) == 0 && decoder.next() <= left.size()) {
        const Bytes rest(left.begin() + decoder.next() - 2, left.end());
        left.assign(left.size(), 0x5a);
        left = rest;
        decoder.SetInput(left.data(), static_cast<uint32_t>(left.size()), 2);
      }
      if (events[i].kind == Event::kGroup) decoder.Restart();
      if (events[i].kind == Event::kBit) {
        ASSERT_EQ(decoder.Bit(events[i].p12), events[i].bit) << "seed " << seed;
      }
    }
  }
}

TEST(RangeCoder, CostsWhatTheProbabilitiesSay) {
  const std::vector<Event> events = RandomEvents(7, 100000, 0);
  uint64_t cost = 0;
  for (const Event& event : events) cost += BitCost(event.bit ? event.p12 : 4096 - event.p12);
  const double bytes = static_cast<double>(cost) / kFineCostOne / 8;
  EXPECT_NEAR(static_cast<double>(Encoded(events).size()), bytes, 0.002 * bytes + 4);
}

TEST(RangeCoder, CountsBytesReadBeyondTheEnd) {
  const uint8_t bytes[] = {0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};  // One of them is there.
  RangeDecoder decoder = {};
  decoder.SetInput(bytes, 1, 0);
  decoder.Start();
  EXPECT_EQ(decoder.next(), 4u);
  EXPECT_EQ(decoder.Bit(kEven), 0);  // 0x80000000 is in the upper half, and then all is zeros.
  for (int i = 0; i < 15; ++i) EXPECT_EQ(decoder.Bit(kEven), 1) << i;
  EXPECT_GE(decoder.next(), 5u);
}

TEST(BitCost, IsTheLogarithm) {
  EXPECT_EQ(Log2Cost(1), 0u);
  EXPECT_EQ(Log2Cost(uint64_t{1} << 62), 62 * kBitCostOne);
  EXPECT_EQ(BitCost(4096), 0u);
  EXPECT_EQ(BitCost(2048), kFineCostOne);
  EXPECT_EQ(BitCost(1), 12 * kFineCostOne);
  for (uint32_t p = 1; p < 4096; ++p) EXPECT_GE(BitCost(p), BitCost(p + 1));
}

}  // namespace
}  // namespace libdelta
