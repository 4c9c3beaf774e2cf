// What the encoder finds out and decides: matches, references, load address, maps, parse.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <vector>

#include "bench/support/thumb_images.h"
#include "libdelta/host/analysis.h"
#include "libdelta/host/anchors.h"
#include "libdelta/host/isa.h"
#include "libdelta/host/matcher.h"
#include "libdelta/host/parse.h"
#include "libdelta/host/payload.h"
#include "libdelta/host/ram_map.h"
#include "libdelta/host/references.h"
#include "tests/support/images.h"
#include "tests/support/patches.h"
#include "tests/support/random.h"

namespace libdelta::testing {
namespace {

size_t CommonPrefix(ByteView a, ByteView b) {
  size_t n = 0;
  while (n < a.size() && n < b.size() && a[n] == b[n]) ++n;
  return n;
}

Bytes FewLetters(size_t size, uint32_t letters, uint32_t seed) {
  Random random(seed);
  Bytes out(size);
  for (uint8_t& byte : out) byte = static_cast<uint8_t>(random() % letters);
  return out;
}

size_t LongestByBruteForce(ByteView text, ByteView query) {
  size_t longest = 0;
  for (size_t i = 0; i < text.size(); ++i) longest = std::max(longest, CommonPrefix(text.subspan(i), query));
  return longest;
}

TEST(SuffixIndex, FindsTheLongestMatch) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    const Bytes text = FewLetters(seed * 7, 1 + seed % 4, seed);
    const Bytes queries = FewLetters(120, 1 + (seed + 1) % 4, seed + 1000);
    const SuffixIndex index(text);
    for (size_t i = 0; i < queries.size(); i += 3) {
      const ByteView query = ByteView(queries).subspan(i);
      const size_t longest = LongestByBruteForce(text, query);
      const IndexMatch match = index.Longest(query);
      ASSERT_EQ(match.length, longest < 2 ? 0 : longest) << "seed " << seed << " query " << i;
      if (match.length == 0) continue;
      const uint64_t position = index.Nearest(match, query, i);
      ASSERT_LT(position, text.size());
      ASSERT_GE(CommonPrefix(ByteView(text).subspan(position), query), longest - longest / 3);
    }
  }
}

TEST(SuffixIndex, PrefersTheNearestOfEqualMatches) {
  Bytes text(4000, 0);
  const Bytes word = RandomBytes(20, 1);
  for (const size_t at : {100, 900, 2000, 3900}) std::copy(word.begin(), word.end(), text.begin() + at);
  const SuffixIndex index(text);
  EXPECT_EQ(index.Find(word, 0).position, 100u);
  EXPECT_EQ(index.Find(word, 1000).position, 900u);
  EXPECT_EQ(index.Find(word, 1e6).position, 3900u);
}

// To name a place far away takes more than a byte or two are worth.
TEST(SuffixIndex, PrefersAShorterMatchNearby) {
  Bytes text(40000, 0);
  const Bytes word = RandomBytes(20, 1);
  std::copy(word.begin(), word.end(), text.begin() + 100);
  std::copy(word.begin(), word.end() - 2, text.begin() + 39000);
  const SuffixIndex index(text);
  EXPECT_EQ(index.Find(word, 39000).position, 39000u);
  EXPECT_EQ(index.Find(word, 30000).position, 100u);
  std::copy(word.begin(), word.begin() + 12, text.begin() + 39000);
  text[39012] = static_cast<uint8_t>(~word[12]);
  EXPECT_EQ(SuffixIndex(text).Find(word, 39000).position, 100u) << "much shorter";
}

TEST(SuffixIndex, TakesTextsAndQueriesOfAnyLength) {
  for (size_t size = 0; size < 4; ++size) {
    const Bytes text(size, 0xff);
    const SuffixIndex index(text);
    for (size_t query = 0; query < 4; ++query) {
      const Match match = index.Find(Bytes(query, 0xff), 0);
      EXPECT_EQ(match.length, std::min(size, query) < 2 ? 0 : std::min(size, query));
    }
  }
}

TEST(BlockIndex, FindsWhatStartsWithABlock) {
  const Bytes text = RandomBytes(10000, 2);
  const BlockIndex index(text);
  for (size_t at = 0; at + 200 <= text.size(); at += 32) {
    const Match match = index.Find(ByteView(text).subspan(at, 200), at);
    ASSERT_EQ(match.position, at);
    ASSERT_EQ(match.length, 200u);
  }
}

TEST(BlockIndex, ReturnsOnlyRealMatches) {
  for (const NamedPair& pair : AwkwardPairs()) {
    const Bytes text = pair.old_image();
    const Bytes image = pair.new_image();
    const BlockIndex index(text);
    for (size_t i = 0; i < image.size(); i += 7) {
      const ByteView query = ByteView(image).subspan(i);
      const Match match = index.Find(query, i);
      if (match.length == 0) continue;
      ASSERT_LE(match.position + match.length, text.size()) << pair.name;
      ASSERT_EQ(CommonPrefix(ByteView(text).subspan(match.position), query), match.length) << pair.name;
    }
  }
}

TEST(MakeIndex, HasNoneForAnEmptyText) {
  EXPECT_EQ(MakeIndex({}), nullptr);
  const Bytes one = {1};
  EXPECT_NE(MakeIndex(one), nullptr);
}

bench::ImagePair Program(uint32_t size, uint64_t seed) {
  return bench::MakeThumbImages({.seed = seed,
                                 .size = size,
                                 .edited_per_mille = 60,
                                 .replaced_per_mille = 30,
                                 .added_per_mille = 20,
                                 .variables_added = 4});
}

TEST(LoadAddress, IsFoundInAProgram) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    EXPECT_EQ(FindLoadAddress(Program(24 * 1024, seed).old_image), 0x08000000u) << seed;
  }
}

TEST(LoadAddress, IsNotFoundWhereThereIsNone) {
  EXPECT_EQ(FindLoadAddress({}), std::nullopt);
  for (const size_t size : {1, 3, 4, 5, 7, 200}) EXPECT_EQ(FindLoadAddress(Bytes(size, 0xb5)), std::nullopt);
  EXPECT_EQ(FindLoadAddress(Bytes(20000, 0)), std::nullopt);
  EXPECT_EQ(FindLoadAddress(TextLike(20000, 1)), std::nullopt);
  EXPECT_EQ(FindLoadAddress(RandomBytes(20000, 1)), std::nullopt);
}

TEST(InstructionSet, IsDetected) {
  const TemplateSet* set = DetectSet(Program(24 * 1024, 1).old_image);
  ASSERT_NE(set, nullptr);
  EXPECT_EQ(set->name, "thumb");
  for (const Bytes& image : {Bytes{}, Bytes(3, 0xff), RandomBytes(30000, 2), TextLike(30000, 3)}) {
    EXPECT_EQ(DetectSet(image), nullptr);
  }
}

TEST(ReferenceScan, CoversEachReferenceOnceAndClearsItsField) {
  const Bytes image = Program(12 * 1024, 1).old_image;
  const std::vector<Template> templates = {TemplateSets()[0].calls[0], PointerTemplate(false)};
  const ReferenceScan scan(image, kOldSide, templates, 0x08000000);
  size_t references = 0;
  for (size_t i = 0; i < image.size(); ++i) {
    if (scan.kind(i) == ReferenceScan::kNone) {
      EXPECT_EQ(scan.normalised()[i], image[i]);
      continue;
    }
    ASSERT_NE(scan.kind(i), ReferenceScan::kInside);
    const Template& t = templates[scan.kind(i) - 1u];
    ASSERT_LE(i + Width(t), image.size());
    Words words;
    ASSERT_TRUE(FindReference(t, scan.normalised(), i, &words));
    EXPECT_EQ(Gather(t, words.at), 0u);
    for (size_t k = 1; k < Width(t); ++k) EXPECT_EQ(scan.kind(i + k), ReferenceScan::kInside);
    i += t.last_byte;
    ++references;
  }
  EXPECT_GT(references, image.size() / 100);
}

// --- Maps ------------------------------------------------------------------------------------------

TEST(RamMap, FollowsInsertedVariables) {
  std::vector<WordPair> pairs;
  for (uint32_t i = 0; i < 300; ++i) {
    const uint32_t address = 0x20000000 + 16 * i;
    const uint32_t shift = i < 100 ? 0 : i < 200 ? 8 : 24;
    for (int uses = 0; uses < 2; ++uses) pairs.emplace_back(address, address + shift);
  }
  Plan plan;
  FitRamMap(pairs, 100, &plan);
  ASSERT_EQ(plan.ram_map.size(), 2u);
  EXPECT_EQ(plan.ram_map[0].old_position, 0x20000000u + 16 * 100);
  EXPECT_EQ(plan.ram_map[0].new_position, 0x20000000u + 16 * 100 + 8);
  EXPECT_EQ(plan.ram_map[1].old_position, 0x20000000u + 16 * 200);
  EXPECT_GT(plan.ram_end, pairs.back().first);
}

// Two kinds of RAM, and code that runs where the image does not have it.
TEST(RamMap, CoversSeveralWindows) {
  const std::vector<uint32_t> starts = {0x00840000, 0x20000000, 0x400d0000};
  std::vector<WordPair> pairs;
  for (const uint32_t start : starts) {
    for (uint32_t i = 0; i < 100; ++i) {
      const uint32_t address = start + 16 * i;
      pairs.emplace_back(address, address + (i < 50 ? 0 : 12));
    }
  }
  Plan plan;
  FitRamMap(pairs, 100, &plan);
  const auto shift = [&](uint32_t address) {
    return address < plan.ram_map[0].old_position ? 0 : Relocator(plan, 0).Relocate(address) - address;
  };
  for (const uint32_t start : starts) {
    EXPECT_EQ(shift(start + 16 * 49), 0u);
    EXPECT_EQ(shift(start + 16 * 50), 12u);
    EXPECT_EQ(shift(start + 16 * 99), 12u);
    EXPECT_EQ(shift(start + 16 * 150), 0u);
  }
  // Whole windows or nothing.
  FitRamMap(pairs, 3, &plan);
  EXPECT_EQ(plan.ram_map.size(), 1u);
}

TEST(RamMap, IsEmptyWhereNothingMoved) {
  Plan plan;
  FitRamMap({}, 100, &plan);
  EXPECT_TRUE(plan.ram_map.empty());
  std::vector<WordPair> pairs;
  for (uint32_t i = 0; i < 100; ++i) pairs.emplace_back(0x20000000 + 4 * i, 0x20000000 + 4 * i);
  FitRamMap(pairs, 100, &plan);
  EXPECT_TRUE(plan.ram_map.empty());
}

void ExpectSorted(const std::vector<MapEntry>& map) {
  for (size_t i = 1; i < map.size(); ++i) EXPECT_LE(map[i - 1].old_position, map[i].old_position);
}

TEST(RamMap, IsSortedWhateverThePairs) {
  Random random(5);
  for (int round = 0; round < 50; ++round) {
    std::vector<WordPair> pairs;
    for (int i = 0; i < 400; ++i) {
      const uint32_t address = (round % 2 ? 0xfff00000u : 0x20000000u) + random() % 5000;
      pairs.emplace_back(address, address + (random() % 5) * 4 - 8);
    }
    Plan plan;
    FitRamMap(pairs, 100, &plan);
    ExpectSorted(plan.ram_map);
    for (const MapEntry& entry : plan.ram_map) EXPECT_LE(entry.new_position, 0xffffffffu);
  }
}

// An image of pointers: word i refers to offset `targets[i]`; the rest is `tail` bytes of noise.
Bytes PointerImage(const std::vector<uint32_t>& targets, uint32_t base, size_t tail) {
  Bytes out;
  for (const uint32_t target : targets) {
    uint8_t word[4];
    StoreWord(word, kLittleEndian, base + target);
    out.insert(out.end(), word, word + 4);
  }
  const Bytes noise = RandomBytes(tail, 4);
  out.insert(out.end(), noise.begin(), noise.end());
  return out;
}

Plan PlanWithPointers(uint32_t base, uint64_t segment_length) {
  Plan plan;
  plan.base = base;
  plan.templates = {PointerTemplate(false)};
  plan.image_map = {{0, 0, false}};
  plan.segment_lengths = {segment_length};
  return plan;
}

// Calls to a function that was written anew say where it went.
TEST(Anchors, ShowWhereAFunctionWentThatNoSegmentExplains) {
  const uint32_t base = 0x08000000;
  const std::vector<uint32_t> before = {1000, 1000, 1200, 1200, 1000, 1200, 1000, 1200, 600, 600};
  std::vector<uint32_t> after = before;
  for (uint32_t& target : after) target += target >= 1000 ? 80 : 0;
  const Bytes old_image = PointerImage(before, base, 1500);
  const Bytes new_image = PointerImage(after, base, 1600);
  Plan plan = PlanWithPointers(base, 40);
  AddAnchors(old_image, new_image, 100, &plan);
  ASSERT_EQ(plan.image_map.size(), 2u);
  EXPECT_TRUE(plan.image_map[1].anchor);
  EXPECT_EQ(plan.image_map[1].old_position, 1000u);
  EXPECT_EQ(plan.image_map[1].new_position, 1080u);
  EXPECT_EQ(plan.segment_lengths[1], 0u);
}

TEST(Anchors, StayBelowTheirLimit) {
  const uint32_t base = 0x08000000;
  std::vector<uint32_t> before;
  std::vector<uint32_t> after;
  for (uint32_t i = 0; i < 400; ++i) {
    before.push_back(i / 8 * 40);
    after.push_back(i / 8 * 40 + i / 8 % 2 * 12);
  }
  const Bytes old_image = PointerImage(before, base, 3000);
  const Bytes new_image = PointerImage(after, base, 3000);
  for (const size_t limit : {0, 1, 7}) {
    Plan plan = PlanWithPointers(base, 1600);
    AddAnchors(old_image, new_image, limit, &plan);
    EXPECT_EQ(plan.image_map.size(), 1 + limit);
    EXPECT_EQ(plan.segment_lengths.size(), plan.image_map.size());
    ExpectSorted(plan.image_map);
  }
}

// Bug: a target that voted for none of the shifts took over that of its neighbours, and with it an
// entry before the start of the new image.
TEST(Anchors, NeverPointOutsideTheNewImage) {
  const uint32_t base = 0x08000000;
  std::vector<uint32_t> before;
  std::vector<uint32_t> after;
  for (uint32_t i = 0; i < 40; ++i) {
    // Old offset 100 moves once to 700; its neighbours at 900 all move to 300.
    before.push_back(i == 0 ? 100 : 900);
    after.push_back(i == 0 ? 700 : 300);
    before.push_back(i == 0 ? 1500 : 1100);
    after.push_back(i == 0 ? 60 : 1690);
  }
  const Bytes old_image = PointerImage(before, base, 1500);
  const Bytes new_image = PointerImage(after, base, 1400);
  Plan plan = PlanWithPointers(base, 320);
  AddAnchors(old_image, new_image, 100, &plan);
  ExpectSorted(plan.image_map);
  for (const MapEntry& entry : plan.image_map) {
    EXPECT_LE(entry.old_position, old_image.size());
    EXPECT_LE(entry.new_position, new_image.size());
  }
}

// --- Parse and plan --------------------------------------------------------------------------------

// Operations must follow each other without gaps; what they copy must be there. Copies from the output may
// differ in references, if these have the same target.
void CheckOperations(const std::vector<Operation>& operations, const Bytes& old_image, const Bytes& new_image,
                     const ReferenceScan& new_scan) {
  uint64_t at = 0;
  for (const Operation& o : operations) {
    ASSERT_EQ(o.position, at);
    ASSERT_NE(o.length, 0u);
    ASSERT_LE(o.length, new_image.size() - at);
    if (o.kind == OperationKind::kOld) {
      ASSERT_LE(o.source, old_image.size());
      ASSERT_LE(o.length, old_image.size() - o.source);
    }
    if (o.kind == OperationKind::kNew) {
      ASSERT_GE(o.source, 1u);
      ASSERT_LE(o.source, at);
      for (uint64_t i = at; i < at + o.length; ++i) {
        if (new_image[i] == new_image[i - o.source]) continue;
        ASSERT_NE(new_scan.kind(i), ReferenceScan::kNone);
        ASSERT_EQ(new_scan.kind(i), new_scan.kind(i - o.source));
        ASSERT_EQ(new_scan.absolute()[i], new_scan.absolute()[i - o.source]);
      }
    }
    at += o.length;
  }
  ASSERT_EQ(at, new_image.size());
}

TEST(Parse, CoversTheNewImageWithValidOperations) {
  for (const NamedPair& pair : AllPairs()) {
    SCOPED_TRACE(pair.name);
    const Bytes old_image = pair.old_image();
    const Bytes new_image = pair.new_image();
    Plan plan;
    plan.base = 0x08000000;
    plan.templates = {TemplateSets()[0].calls[0], PointerTemplate(false)};
    const ReferenceScan old_scan(old_image, kOldSide, plan.templates, plan.base);
    const ReferenceScan new_scan(new_image, kNewSide, plan.templates, plan.base);
    const std::unique_ptr<OldIndex> index = MakeIndex(old_scan.normalised());
    const ParseInput input{old_image, new_image, &old_scan, &new_scan, index.get()};
    for (const bool maps_known : {false, true}) {
      ParseOptions options;
      options.maps_known = maps_known;
      CheckOperations(Parse(input, plan, options), old_image, new_image, new_scan);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(Parse, DependsNeitherOnThreadsNorOnWhatWasPrepared) {
  const auto same = [](const Operation& a, const Operation& b) {
    return a.kind == b.kind && a.position == b.position && a.length == b.length && a.source == b.source;
  };
  for (const NamedPair& pair : AllPairs()) {
    SCOPED_TRACE(pair.name);
    const Bytes old_image = pair.old_image();
    const Bytes new_image = pair.new_image();
    if (new_image.size() > 40000) continue;
    Plan plan;
    plan.templates = {TemplateSets()[0].calls[0]};
    const ReferenceScan old_scan(old_image, kOldSide, plan.templates, 0);
    const ReferenceScan new_scan(new_image, kNewSide, plan.templates, 0);
    const std::unique_ptr<OldIndex> index = MakeIndex(old_scan.normalised());
    ParseInput input{old_image, new_image, &old_scan, &new_scan, index.get()};
    for (const size_t window : {7000, 1 << 20}) {
      ParseOptions options;
      options.maps_known = true;
      options.window = window;
      const std::vector<Operation> alone = Parse(input, plan, options);
      options.threads = 3;
      const std::vector<Operation> threads = Parse(input, plan, options);
      ASSERT_TRUE(std::equal(alone.begin(), alone.end(), threads.begin(), threads.end(), same));
      const std::deque<Matches> matches = PrepareMatches(input, options);
      input.matches = &matches;
      const std::vector<Operation> prepared = Parse(input, plan, options);
      ASSERT_TRUE(std::equal(alone.begin(), alone.end(), prepared.begin(), prepared.end(), same));
      input.matches = nullptr;
    }
  }
}

TEST(Parse, CopiesAnImageThatDidNotChangeWhole) {
  const Bytes image = RandomBytes(5000, 6);
  Plan plan;
  const ReferenceScan scan(image, kOldSide, {}, 0);
  const SuffixIndex index(scan.normalised());
  const std::vector<Operation> operations = Parse({image, image, &scan, &scan, &index}, plan, {});
  ASSERT_EQ(operations.size(), 1u);
  EXPECT_EQ(operations[0].kind, OperationKind::kOld);
  EXPECT_EQ(operations[0].source, 0u);
}

// The pieces of the new image that the plan's segments and operations make.
std::map<uint64_t, uint64_t> Pieces(const Plan& plan) {
  std::map<uint64_t, uint64_t> pieces;
  for (size_t i = 0; i < plan.image_map.size(); ++i) {
    if (!plan.image_map[i].anchor) pieces[plan.image_map[i].new_position] = plan.segment_lengths[i];
  }
  for (const Operation& o : plan.operations) pieces[o.position] = o.length;
  return pieces;
}

TEST(Plan, MapsAreSortedAndInsideTheImages) {
  for (const NamedPair& pair : AllPairs()) {
    SCOPED_TRACE(pair.name);
    const Bytes old_image = pair.old_image();
    const Bytes new_image = pair.new_image();
    if (new_image.empty()) continue;
    PayloadOptions options;
    options.arena = 8192;
    const Payload payload = EncodePayload(old_image, new_image, options);
    ASSERT_FALSE(payload.data.empty());
    const Plan& plan = payload.plan;
    EXPECT_LE(plan.templates.size(), kMaxTemplates);
    ASSERT_EQ(plan.segment_lengths.size(), plan.image_map.size());
    ExpectSorted(plan.image_map);
    ExpectSorted(plan.ram_map);
    for (size_t i = 0; i < plan.image_map.size(); ++i) {
      EXPECT_LE(plan.image_map[i].old_position + plan.segment_lengths[i], old_image.size());
      EXPECT_LE(plan.image_map[i].new_position + plan.segment_lengths[i], new_image.size());
    }
    uint64_t at = 0;
    for (const auto& [position, length] : Pieces(plan)) {
      ASSERT_EQ(position, at);
      at += length;
    }
    EXPECT_EQ(at, new_image.size());
  }
}

TEST(Relocator, PredictsWhatTheMapsSay) {
  Plan plan;
  plan.base = 0x08000000;
  plan.image_map = {{0, 0, false}, {1000, 1100, false}};
  plan.ram_map = {{0x20000100, 0x20000110, false}};
  plan.ram_end = 0x20000200;
  const Relocator relocator(plan, 4000);
  EXPECT_EQ(relocator.Relocate(0x080003e7), 0x080003e7u);
  EXPECT_EQ(relocator.Relocate(0x080003e8), 0x0800044cu);
  EXPECT_EQ(relocator.Relocate(0x20000104), 0x20000114u);
  for (const uint32_t outside : {0x07ffffffu, 0x08000000u + 4000, 0x200000ffu, 0x20000200u}) {
    EXPECT_FALSE(relocator.Known(outside));
    EXPECT_EQ(relocator.Relocate(outside), outside);
  }
  const Template& bl = TemplateSets()[0].calls[0];
  // bl from offset 2000 (moves to 2100) to offset 100 (stays): 100 bytes farther.
  uint32_t field = 0;
  ASSERT_TRUE(FieldFor(bl, plan.base + 100, plan.base + 2000, &field));
  const uint32_t word = WithField(bl, {{bl.match[0], 0}}, field);
  const uint32_t predicted[kWords] = {relocator.Change(bl, {{word, 0}}, 2000, 2100).value(), 0};
  EXPECT_EQ(Target(bl, Gather(bl, predicted), plan.base + 2100, kNewSide), plan.base + 100);
  EXPECT_FALSE(relocator.Change(bl, {{word, 0}}, 2000, 2000).has_value());
}

}  // namespace
}  // namespace libdelta::testing
