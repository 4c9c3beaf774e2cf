// The adaptive model, between two ports that need no arithmetic coder.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "libdelta/host/bit_cost.h"
#include "libdelta/wire/model.h"
#include "tests/support/random.h"

namespace libdelta {
namespace {

// Records what is coded, at which probability.
struct Recorder {
  std::vector<uint32_t> probabilities;
  std::vector<int> bits;
  uint64_t cost = 0;

  int Bit(uint32_t p12, int bit) {
    probabilities.push_back(p12);
    bits.push_back(bit);
    cost += BitCost(bit ? p12 : 4096 - p12);
    return bit;
  }
};

// Gives the recorded bits back, as a decoder would, and insists on the same probabilities.
struct Player {
  const Recorder* recorder;
  size_t next = 0;

  int Bit(uint32_t p12, int /*unknown*/) {
    EXPECT_EQ(p12, recorder->probabilities[next]);
    return recorder->bits[next++];
  }
};

// A model in an arena of its own, with guard values on both sides.
class Arena {
 public:
  explicit Arena(uint32_t slots, uint8_t limit = 15)
      : memory_(kGuard + kWeights + slots / 2 + kGuard, kGuardValue), model_() {
    model_.Attach(reinterpret_cast<int32_t*>(memory_.data()) + kGuard,
                  reinterpret_cast<Slot*>(memory_.data() + kGuard + kWeights), slots, limit);
    model_.Reset();
  }
  Model& model() { return model_; }
  bool IsGuardIntact() const {
    const auto good = [](uint32_t value) { return value == kGuardValue; };
    return std::all_of(memory_.begin(), memory_.begin() + kGuard, good) &&
           std::all_of(memory_.end() - kGuard, memory_.end(), good);
  }

 private:
  static constexpr uint32_t kGuard = 16;
  static constexpr uint32_t kWeights = kInputs * kWeightSets;
  static constexpr uint32_t kGuardValue = 0xa5a5a5a5;
  std::vector<uint32_t> memory_;
  Model model_;
};

struct Contexts {
  uint32_t values[kInputs];
};

Contexts RandomContexts(testing::Random& random, uint32_t variety) {
  Contexts contexts;
  for (uint32_t& value : contexts.values) value = HashMix(random() % variety);
  return contexts;
}

template <class Port>
std::vector<uint32_t> RunMixture(Model& model, Port& port, uint32_t seed, int symbols, uint32_t variety) {
  testing::Random random(seed);
  std::vector<uint32_t> results;
  for (int i = 0; i < symbols; ++i) {
    const Contexts contexts = RandomContexts(random, variety);
    const uint32_t actual = random();
    const uint32_t set = actual % kWeightSets;
    switch (actual >> 8 & 3) {
      case 0:
        results.push_back(static_cast<uint32_t>(
            model.CodeSimple(port, contexts.values[0], static_cast<int>(actual >> 20 & 1))));
        break;
      case 1:
        results.push_back(static_cast<uint32_t>(
            model.CodeFlag(port, contexts.values, set, static_cast<int>(actual >> 20 & 1))));
        break;
      default:
        results.push_back(model.CodeByte(port, contexts.values, set, actual >> 16 & 255));
    }
  }
  return results;
}

TEST(Model, DecoderSeesTheEncodersProbabilities) {
  for (const uint32_t slots : {Model::kMinSlots, Model::kMinSlots + 16, 1024u, 30000u}) {
    Arena encoding(slots);
    Recorder recorder;
    const auto coded = RunMixture(encoding.model(), recorder, slots, 4000, 300);
    Arena decoding(slots);
    Player player{&recorder};
    EXPECT_EQ(RunMixture(decoding.model(), player, slots, 4000, 300), coded);
    EXPECT_EQ(player.next, recorder.bits.size());
  }
}

TEST(Model, ProbabilitiesAreNeverZeroOrOne) {
  for (const int bit : {0, 1}) {
    Arena arena(2048);
    Recorder recorder;
    const Contexts contexts = {};
    for (int i = 0; i < 3000; ++i) {
      arena.model().CodeSimple(recorder, 7, bit);
      arena.model().CodeFlag(recorder, contexts.values, 4, bit);
      arena.model().CodeByte(recorder, contexts.values, 0, bit ? 255 : 0);
    }
    const auto [least, most] =
        std::minmax_element(recorder.probabilities.begin(), recorder.probabilities.end());
    EXPECT_GE(*least, 1u);
    EXPECT_LE(*most, 4095u);
  }
}

TEST(Model, StaysInItsArena) {
  for (uint32_t slots = Model::kMinSlots; slots < 2000; slots += 16) {
    Arena arena(slots);
    Recorder recorder;
    RunMixture(arena.model(), recorder, slots, 500, 0xffffffffu);
    ASSERT_TRUE(arena.IsGuardIntact()) << slots << " slots";
  }
}

TEST(Model, LearnsWhatDoesNotChange) {
  Arena arena(4096);
  Recorder recorder;
  const Contexts contexts = {{1, 2, 3, 4, 5, 6, 7}};
  for (int i = 0; i < 1000; ++i) arena.model().CodeByte(recorder, contexts.values, 0, 0x5a);
  EXPECT_LT(recorder.cost / kBitCostOne, 120u);
  recorder.cost = 0;
  for (int i = 0; i < 1000; ++i) arena.model().CodeFlag(recorder, contexts.values, 5, 1);
  EXPECT_LT(recorder.cost / kBitCostOne, 40u);
}

TEST(Model, TrustsTheContextThatKnows) {
  Arena arena(8192);
  Recorder recorder;
  testing::Random random(1);
  for (int i = 0; i < 20000; ++i) {
    if (i == 10000) recorder.cost = 0;
    Contexts contexts = RandomContexts(random, 0xffffffffu);
    const int bit = static_cast<int>(random() & 1);
    contexts.values[0] = HashMix(static_cast<uint32_t>(bit) + 77);
    arena.model().CodeFlag(recorder, contexts.values, 3, bit);
  }
  EXPECT_LT(recorder.cost / kBitCostOne, 2500u);  // Of 10000 bits that the other contexts cannot predict.
}

TEST(Model, ResetForgetsEverything) {
  Arena used(1024);
  Recorder before;
  RunMixture(used.model(), before, 1, 2000, 50);
  used.model().Reset();
  Arena fresh(1024);
  Recorder expected;
  Recorder again;
  RunMixture(fresh.model(), expected, 2, 2000, 50);
  RunMixture(used.model(), again, 2, 2000, 50);
  EXPECT_EQ(again.probabilities, expected.probabilities);
}

TEST(Logistic, StretchIsOddAndMonotonic) {
  for (uint32_t p = 0; p < 4096; ++p) {
    EXPECT_EQ(Stretch(p), -Stretch(4095 - p));
    if (p > 0) {
      EXPECT_GE(Stretch(p), Stretch(p - 1));
    }
  }
}

TEST(Logistic, SquashInvertsStretch) {
  for (uint32_t p = 0; p < 4096; ++p) {
    EXPECT_NEAR(static_cast<double>(Squash(Stretch(p))), static_cast<double>(p), 24) << p;
  }
}

TEST(Logistic, SquashIsMonotonicAndBounded) {
  for (int32_t x = -5000; x < 5000; ++x) {
    EXPECT_LE(Squash(x), Squash(x + 1));
    EXPECT_GE(Squash(x), 1u);
    EXPECT_LE(Squash(x), 4095u);
  }
  EXPECT_EQ(Squash(0), 2048u);
  EXPECT_EQ(Squash(INT32_MAX), Squash(2047));
  EXPECT_EQ(Squash(INT32_MIN), Squash(-2047));
}

}  // namespace
}  // namespace libdelta
