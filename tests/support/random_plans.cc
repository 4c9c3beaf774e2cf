#include "tests/support/random_plans.h"

#include <algorithm>

#include "libdelta/host/parse.h"
#include "libdelta/host/references.h"
#include "libdelta/wire/codec.h"
#include "libdelta/wire/model.h"
#include "tests/support/patches.h"
#include "tests/support/random.h"

namespace libdelta::testing {
namespace {

constexpr uint32_t kAround = kMaxReach + kMaxUnit;  // What templates see beyond a word.

// Bits `from` .. `from + length - 1` of a word.
uint32_t Ones(uint32_t from, uint32_t length) {
  return static_cast<uint32_t>(((uint64_t{1} << length) - 1) << from);
}

uint32_t SparseBits(Random* random) { return (*random)() & (*random)() & (*random)(); }

struct Run {
  uint32_t shift;
  uint32_t length;
  bool in_other;
};

// Disjoint ones between `lowest` and `end`.
void AddRuns(Random* random, uint32_t lowest, uint32_t end, uint32_t count, bool in_other,
             std::vector<Run>* runs) {
  uint32_t at = lowest + random->Below(2);
  for (uint32_t i = 0; i < count && at < end; ++i) {
    const uint32_t room = end - at;
    const uint32_t even = std::max(1u, 2 * (end - lowest) / count);
    const uint32_t length = 1 + random->Below(i + 1 == count ? room : std::min(room, even));
    runs->push_back({at, length, in_other});
    at += length + random->Below(2);
  }
}

// In any order, and no more than a field has room for.
void SetRuns(Random* random, std::vector<Run> runs, Template* t) {
  for (size_t i = runs.size(); i > 1; --i)
    std::swap(runs[i - 1], runs[random->Below(static_cast<uint32_t>(i))]);
  uint32_t bits = 0;
  uint32_t count = 0;
  for (const Run& run : runs) {
    if (count == kMaxRuns || bits == 32) break;
    const uint32_t length = std::min(run.length, 32 - bits);
    t->run_shift[count] = static_cast<uint8_t>(run.shift);
    t->run_last[count++] = static_cast<uint8_t>((length - 1) | (run.in_other ? kInOther : 0));
    bits += length;
  }
  t->last_run = static_cast<uint8_t>(count - 1);
  t->last_bit = static_cast<uint8_t>(bits - 1);
}

// What its words must have, outside the field.
void SetMasks(Random* random, uint32_t all, bool is_pair, Template* t) {
  uint32_t free[kWords] = {all, 0xffffffff};
  for (uint32_t i = 0; i <= t->last_run; ++i) {
    free[t->run_last[i] / kInOther] &= ~(RunOnes(*t, i) << t->run_shift[i]);
  }
  t->mask[0] = SparseBits(random) & free[0];
  if (is_pair) {
    t->mask[0] = t->mask[0] & (*random)();
    t->mask[1] = (SparseBits(random) & (*random)() & free[1]) | 1u << random->Below(32);
  }
  for (uint32_t w = 0; w < kWords; ++w) t->match[w] = (*random)() & t->mask[w];
}

void SetTies(Random* random, uint32_t all, Template* t) {
  t->reach = static_cast<uint8_t>(random->Below(8));
  for (uint8_t& shift : t->tied_shift) shift = static_cast<uint8_t>(random->Below(32));
  if (random->Below(2) == 0) return;
  t->tied_bits = static_cast<uint8_t>(random->Below(32) & random->Below(32) & all >> t->tied_shift[0]);
}

void SetOrigin(Random* random, uint32_t base, Template* t) {
  const uint8_t origins[] = {0, 1, 1, 4};
  t->origin = origins[random->Below(4)];
  t->bias = static_cast<int8_t>(random->Byte());
  if (random->Below(4) == 0) t->origin_shift = static_cast<uint8_t>(random->Below(16));
  if (random->Below(4) != 0) return;
  for (uint32_t side = 0; side < 2; ++side) t->base[side] = base + random->Below(6000);
}

// Any that the format allows, with its field inside the words.
Template RandomTemplate(Random* random, uint32_t base) {
  Template t{};
  const uint32_t bits = 8 * (1 + random->Below(4));
  t.last_byte = static_cast<uint8_t>(bits / 8 - 1);
  t.order = random->Below(2) ? kLittleEndian : kBigEndian;
  const uint8_t alignments[] = {0, 0, 1, 3};
  t.align_mask = alignments[random->Below(4)];
  t.twist = static_cast<uint8_t>(random->Below(8));
  t.scale = static_cast<uint8_t>(random->Below(4));
  SetOrigin(random, base, &t);
  const bool is_pair = random->Below(3) != 0;
  const uint32_t lowest = t.order == kBigEndian ? 32 - bits : 0;
  const uint32_t all = Ones(lowest, bits);
  std::vector<Run> runs;
  AddRuns(random, lowest, lowest + bits, 1 + random->Below(std::min(kMaxRuns, bits / 2)), false, &runs);
  if (is_pair) {
    // Few bits, or hardly any address would be in the image.
    const uint32_t from = random->Below(24);
    AddRuns(random, from, from + 8, random->Below(4), true, &runs);
    SetTies(random, all, &t);
  }
  SetRuns(random, runs, &t);
  const uint32_t signs[] = {0, t.last_bit, random->Below(t.last_bit + 1u)};
  t.sign_bit = static_cast<uint8_t>(signs[random->Below(3)]);
  SetMasks(random, all, is_pair, &t);
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

// What the host expects of a segment. The other word of a pair may be outside the old image, where zeros are.
void Predict(const Bytes& old_image, const Plan& plan, const MapEntry& segment, uint64_t length,
             Bytes* new_image) {
  const Relocator relocator(plan, old_image.size());
  Bytes surrounded(old_image.size() + 2 * kAround);
  std::copy(old_image.begin(), old_image.end(), surrounded.begin() + kAround);
  for (uint64_t k = 0, width = 1; k < length; k += width) {
    const uint64_t from = segment.old_position + k;
    const uint64_t to = segment.new_position + k;
    uint8_t* out = new_image->data() + to;
    *out = old_image[from];
    width = 1;
    const uint32_t address = plan.base + static_cast<uint32_t>(from);
    for (const Template& t : plan.templates) {
      if ((address & t.align_mask) || Width(t) > length - k) continue;
      Words words;
      if (!FindReference(t, surrounded, from + kAround, &words)) continue;
      const std::optional<uint32_t> change = relocator.Change(t, words, from, to);
      if (!change) continue;
      StoreWord(out, Width(t), t.order, *change);
      width = Width(t);
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
    t.last_byte = 3;
    t.order = kLittleEndian;
    t.twist = kReversed;
    t.last_run = kMaxRuns - 1;
    t.last_bit = 31;
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
