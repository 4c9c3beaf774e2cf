#include "tests/support/random_plans.h"

#include <algorithm>

#include "libdelta/host/parse.h"
#include "libdelta/wire/codec.h"
#include "libdelta/wire/model.h"
#include "tests/support/patches.h"
#include "tests/support/random.h"

namespace libdelta::testing {
namespace {

// Any that the format allows, with its field inside the word.
Template RandomTemplate(Random* random, uint32_t base) {
  Template t{};
  t.width = static_cast<uint8_t>(1 + random->Below(4));
  t.order = random->Below(2) ? kLittleEndian : kBigEndian;
  const uint8_t alignments[] = {0, 0, 1, 3};
  t.align_mask = alignments[random->Below(4)];
  t.flags = static_cast<uint8_t>(random->Below(4));
  t.scale = static_cast<uint8_t>(random->Below(4));
  t.bias = static_cast<uint8_t>(random->Below(16));
  const uint8_t origins[] = {0, 1, 1, 4};
  t.origin = origins[random->Below(4)];
  if (random->Below(4) == 0) {
    t.base[kOldSide] = std::min(base, kMaxBase - 6000) + random->Below(6000);
    t.base[kNewSide] = std::min(base, kMaxBase - 6000) + random->Below(6000);
  }
  const uint32_t bits = 8u * t.width;
  const uint32_t lowest = t.order == kBigEndian ? 32 - bits : 0;
  const uint32_t runs = 1 + random->Below(std::min(kMaxRuns, bits / 2));
  uint32_t field = 0;
  uint32_t at = random->Below(2);
  for (uint32_t i = 0; i < runs && at < bits; ++i) {
    const uint32_t room = bits - at;
    const uint32_t length = 1 + random->Below(i + 1 == runs ? room : std::min(room, 2 * bits / runs));
    t.run_shift[i] = static_cast<uint8_t>(lowest + at);
    t.run_last[i] = static_cast<uint8_t>(length - 1);
    t.more_runs = static_cast<uint8_t>(i);
    t.bits = static_cast<uint8_t>(t.bits + length);
    field |= RunOnes(t, i) << t.run_shift[i];
    at += length + random->Below(2);
  }
  // In any order.
  for (uint32_t i = t.more_runs + 1u; i > 1; --i) {
    const uint32_t other = random->Below(i);
    std::swap(t.run_shift[i - 1], t.run_shift[other]);
    std::swap(t.run_last[i - 1], t.run_last[other]);
  }
  const uint32_t all = bits == 32 ? 0xffffffffu : ((1u << bits) - 1) << lowest;
  t.mask = (*random)() & (*random)() & (*random)() & all & ~field;
  t.match = (*random)() & t.mask;
  return t;
}

void AddRamMap(Random* random, Plan* plan) {
  uint32_t address = random->Below(2) ? plan->base + 3000 : (*random)() % 0xf0000000u;
  const uint32_t entries = random->Below(6);
  for (uint32_t i = 0; i < entries; ++i) {
    const uint32_t target = random->Below(4) == 0 ? (*random)() : address + random->Below(64);
    plan->ram_map.push_back({address, target});
    address += 1 + random->Below(1000);
  }
  if (entries != 0) plan->ram_end = address;
}

// Segments and literals in turn; then the segments' table, by old position.
void AddSegments(Random* random, uint64_t old_size, uint64_t new_size, Plan* plan) {
  std::vector<std::pair<MapEntry, uint64_t>> segments;
  for (uint64_t at = 0; at < new_size;) {
    const uint64_t gap = std::min<uint64_t>(random->Below(3) == 0 ? 0 : random->Below(40), new_size - at);
    if (gap != 0) plan->operations.push_back({OperationKind::kLiteral, at, gap, 0});
    at += gap;
    const uint64_t length = std::min<uint64_t>({1 + random->Below(400), new_size - at, old_size});
    if (length == 0) break;
    segments.push_back({{random->Below(old_size - length + 1), at}, length});
    at += length;
  }
  const uint32_t anchors = random->Below(5);
  for (uint32_t i = 0; i < anchors; ++i) {
    segments.push_back({{random->Below(old_size), random->Below(new_size), true}, 0});
  }
  std::stable_sort(segments.begin(), segments.end(),
                   [](const auto& a, const auto& b) { return a.first.old_position < b.first.old_position; });
  for (const auto& [entry, length] : segments) {
    plan->image_map.push_back(entry);
    plan->segment_lengths.push_back(length);
  }
}

// What the host expects of a segment.
void Predict(const Bytes& old_image, const Plan& plan, const MapEntry& segment, uint64_t length,
             Bytes* new_image) {
  const Relocator relocator(plan, old_image.size());
  for (uint64_t k = 0, width = 1; k < length; k += width) {
    const uint64_t from = segment.old_position + k;
    const uint64_t to = segment.new_position + k;
    uint8_t* out = new_image->data() + to;
    *out = old_image[from];
    width = 1;
    const uint32_t address = plan.base + static_cast<uint32_t>(from);
    for (const Template& t : plan.templates) {
      if ((address & t.align_mask) || t.width > length - k) continue;
      const uint32_t word = LoadWord(old_image.data() + from, t.width, t.order);
      if ((word & t.mask) != t.match || !relocator.Known(Target(t, Gather(t, word), address, kOldSide)))
        continue;
      const uint32_t predicted = relocator.Predict(t, word, from, to);
      if (predicted == word) continue;
      StoreWord(out, t.width, t.order, predicted);
      width = t.width;
      break;
    }
  }
}

}  // namespace

PlannedPair MakePlannedPair(uint64_t seed, uint32_t surprises) {
  Random random(seed);
  PlannedPair pair;
  pair.old_image = RandomBytes(500 + random.Below(6000), seed);
  pair.new_image = RandomBytes(500 + random.Below(6000), seed + 1000000);
  // Small numbers, so that fields point into the image.
  for (uint8_t& byte : pair.old_image) byte = random.Below(2) ? byte : byte & 15;
  Plan& plan = pair.plan;
  plan.base = random.Below(3) == 0 ? random() : random.Below(3) * 0x1000;
  const uint32_t templates = random.Below(kMaxTemplates + 1);
  for (uint32_t i = 0; i < templates; ++i) plan.templates.push_back(RandomTemplate(&random, plan.base));
  AddRamMap(&random, &plan);
  AddSegments(&random, pair.old_image.size(), pair.new_image.size(), &plan);
  for (size_t i = 0; i < plan.image_map.size(); ++i) {
    if (plan.image_map[i].anchor) continue;
    Predict(pair.old_image, plan, plan.image_map[i], plan.segment_lengths[i], &pair.new_image);
  }
  for (uint8_t& byte : pair.new_image) {
    if (surprises != 0 && random.Below(surprises) == 0) byte = random.Byte();
  }
  return pair;
}

PlannedPair MakeHostilePair(uint32_t arena) {
  constexpr uint32_t kSize = 2048;
  PlannedPair pair;
  pair.old_image = RandomBytes(kSize, 1);
  pair.new_image = RandomBytes(kSize, 2);
  Plan& plan = pair.plan;
  // Any word is an address, whose eight digits each template reads in another order.
  for (uint32_t i = 0; i < kMaxTemplates; ++i) {
    Template t{};
    t.width = 4;
    t.order = kLittleEndian;
    t.flags = kInvertBelow;
    t.more_runs = kMaxRuns - 1;
    t.bits = 32;
    for (uint32_t k = 0; k < kMaxRuns; ++k) {
      t.run_shift[k] = static_cast<uint8_t>(4 * ((i < kMaxRuns ? k + i : 2 * kMaxRuns - k + i) % kMaxRuns));
      t.run_last[k] = 3;
    }
    plan.templates.push_back(t);
  }
  plan.image_map.push_back({0, 0});
  plan.segment_lengths.push_back(kSize);
  // All addresses are in RAM, whose map is as long as can be; each of them moves.
  const uint32_t parts = kMaxTemplates * static_cast<uint32_t>(sizeof(Template)) + kModelSize + 16;
  const uint32_t entries = (arena - parts - kMinUnits * kSlotUnitSize) / 8;
  for (uint32_t i = 0; i < entries; ++i) {
    const uint32_t address = i * (0xffffffffu / entries);
    plan.ram_map.push_back({address, address + 4096 + i});
  }
  plan.base = 0x80000000;
  plan.ram_end = 0xffffffff;
  return pair;
}

}  // namespace libdelta::testing
