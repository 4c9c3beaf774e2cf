// Template sets on programs of noise and calls: whatever the instruction set, its calls are found and
// predicted without being told which it is.
#include "libdelta/host/isa.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "libdelta/host.h"
#include "libdelta/host/payload.h"
#include "tests/support/patches.h"
#include "tests/support/random.h"

namespace libdelta::testing {
namespace {

struct Call {
  size_t position;
  size_t target;
};

// Noise in which each call is a word of the template `t`, in front of what follows it.
Bytes Program(const Template& t, Bytes noise, const std::vector<Call>& calls) {
  for (const Call& call : calls) {
    uint8_t* at = noise.data() + call.position;
    uint32_t field;
    if (!FieldFor(t, static_cast<uint32_t>(call.target), static_cast<uint32_t>(call.position), &field)) {
      ADD_FAILURE() << "call from " << call.position << " to " << call.target;
      continue;
    }
    const uint32_t word = (LoadWord(at, t.width, t.order) & ~t.mask) | t.match;
    StoreWord(at, t.width, t.order, Scatter(t, word, field));
  }
  return noise;
}

class KnownSet : public ::testing::TestWithParam<size_t> {};

TEST_P(KnownSet, IsChosenWhereItsCallsAre) {
  constexpr size_t kSize = 48000;
  constexpr size_t kInserted = 128;
  const TemplateSet& set = TemplateSets()[GetParam()];
  for (const Template& t : set.calls) {
    Random random(7);
    std::vector<Call> calls;
    for (size_t at = 64; at + 64 < kSize; at += 24 + random() % 32) {
      at = (at + t.align_mask) & ~size_t{t.align_mask};
      calls.push_back({at, random() % 700 * 64});
    }
    const Bytes noise = RandomBytes(kSize, 11);
    const Bytes old_image = Program(t, noise, calls);
    Bytes longer = noise;
    const Bytes inserted = RandomBytes(kInserted, 12);
    constexpr size_t kWhere = kSize / 2 / 64 * 64;
    longer.insert(longer.begin() + kWhere, inserted.begin(), inserted.end());
    size_t changed = 0;
    for (Call& call : calls) {
      const bool crosses = (call.position < kWhere) != (call.target < kWhere);
      changed += t.origin == 0 ? call.target >= kWhere : crosses;
      if (call.position >= kWhere) call.position += kInserted;
      if (call.target >= kWhere) call.target += kInserted;
    }
    const Bytes new_image = Program(t, longer, calls);
    PayloadOptions options;
    options.arena = 60000;
    const Payload payload = EncodePayload(old_image, new_image, options);
    EXPECT_GE(payload.plan.templates.size(), 1u);
    ASSERT_GT(changed, 400u);
    EXPECT_LT(payload.data.size(), kInserted + changed / 2) << changed;
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, KnownSet, ::testing::Range(size_t{0}, TemplateSets().size()),
                         [](const ::testing::TestParamInfo<size_t>& info) {
                           std::string name = TemplateSets()[info.param].name;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

}  // namespace
}  // namespace libdelta::testing
