// The libdelta codec itself: encoder's side against the device's decoder, without container. Plans that the
// encoder would never make, streams that end early or late, arenas of every size.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "libdelta/device/range_decoder.h"
#include "libdelta/host/isa.h"
#include "libdelta/host/payload.h"
#include "libdelta/host/range_encoder.h"
#include "libdelta/wire/codec.h"
#include "tests/support/decoding.h"
#include "tests/support/images.h"
#include "tests/support/patches.h"
#include "tests/support/payloads.h"
#include "tests/support/random.h"

namespace libdelta::testing {
namespace {

constexpr uint32_t kSmallestArena = kModelSize + kMinUnits * kSlotUnitSize;

// --- Decoding --------------------------------------------------------------------------------------

DecodeOutcome Decode(const DecodeInput& input, size_t piece_size) {
  DecodeOutcome outcome = DecodeInPieces(input, piece_size);
  EXPECT_EQ(outcome.problem, "");
  return outcome;
}

constexpr size_t kWhole = ~size_t{0};
constexpr size_t kPieces[] = {1, 2, 7, 46, 47, 48, 61, 240, kWhole};

void ExpectDecodes(const DecodeInput& input, const Bytes& new_image) {
  for (const size_t piece : kPieces) {
    const DecodeOutcome outcome = Decode(input, piece);
    ASSERT_EQ(outcome.status, LIBDELTA_OK) << "pieces of " << piece;
    ASSERT_EQ(outcome.unread, 0u) << "pieces of " << piece;
    ASSERT_TRUE(outcome.new_image == new_image) << "pieces of " << piece;
  }
}

// Not taken as a whole payload: malformed, or it goes on behind the image.
void ExpectRefuses(const DecodeInput& input, bool goes_on) {
  for (const size_t piece : kPieces) {
    const DecodeOutcome outcome = Decode(input, piece);
    if (goes_on) {
      EXPECT_TRUE(outcome.status == LIBDELTA_OK && outcome.unread != 0) << "pieces of " << piece;
    } else {
      EXPECT_EQ(outcome.status, LIBDELTA_E_MALFORMED) << "pieces of " << piece;
    }
  }
}

Bytes Extended(Bytes bytes, size_t count, uint8_t value) {
  bytes.resize(bytes.size() + count, value);
  return bytes;
}

Bytes Shortened(Bytes bytes, size_t count) {
  bytes.resize(bytes.size() - count);
  return bytes;
}

Payload Encoded(const Bytes& old_image, const Bytes& new_image, uint32_t arena, uint64_t group_blocks = 0) {
  PayloadOptions options;
  options.effort = kLeastEffort;
  options.arena = arena;
  options.group_blocks = group_blocks;
  return EncodePayload(old_image, new_image, options);
}

// --- Ends of streams -------------------------------------------------------------------------------

// Groups of which all is as predicted are coded as two zeros each; those of the last one are left out.
TEST(EndOfStream, MayBeWhereTheLastGroupBegins) {
  const Bytes image = TextLike(64 * 9 + 1, 3);
  Plan plan;
  plan.group_blocks = 1;
  plan.image_map = {{0, 0, false}};
  plan.segment_lengths = {image.size()};
  const CodedPlan coded = CodePlan(image, image, plan, 2048);
  ASSERT_EQ(coded.status, LIBDELTA_OK);
  ASSERT_GE(coded.data.size(), 18u);
  for (size_t i = coded.data.size() - 16; i < coded.data.size(); ++i) ASSERT_EQ(coded.data[i], 0);
  for (size_t missing = 0; missing <= 2; ++missing) {
    SCOPED_TRACE(missing);
    const Bytes data = Shortened(coded.data, missing);
    ExpectDecodes({image, image.size(), data, 2048}, image);
    if (HasFatalFailure()) return;
  }
  // Four implied zeros are the most: two that the decoder looks ahead, two that were left out.
  for (size_t missing = 3; missing < 16; ++missing) {
    SCOPED_TRACE(missing);
    const Bytes data = Shortened(coded.data, missing);
    ExpectRefuses({image, image.size(), data, 2048}, false);
  }
}

// The decoder looks two bytes ahead; what is behind these is too much.
TEST(EndOfStream, MayBeFollowedByTwoBytesAndNoMore) {
  const Bytes image = TextLike(200, 3);
  const CodedPlan coded = CodePlan({}, image, LiteralPlan(image.size()), 2048);
  ASSERT_EQ(coded.status, LIBDELTA_OK);
  for (const uint8_t filler : {uint8_t{0}, uint8_t{0x9c}, uint8_t{0xff}}) {
    for (size_t more = 0; more <= 2; ++more) {
      ExpectDecodes({{}, image.size(), Extended(coded.data, more, filler), 2048}, image);
      if (HasFatalFailure()) return;
    }
    for (const size_t more : {3, 4, 50, 1000}) {
      ExpectRefuses({{}, image.size(), Extended(coded.data, more, filler), 2048}, true);
    }
  }
}

// What the encoder leaves out, the decoder adds, and never more.
TEST(EndOfStream, IsWhereTheEncoderPutsIt) {
  int trimmed[3] = {};
  for (const NamedPair& pair : AllPairs()) {
    const Bytes old_image = pair.old_image();
    const Bytes new_image = pair.new_image();
    if (new_image.empty()) continue;
    SCOPED_TRACE(pair.name);
    for (const uint64_t group : {0, 1}) {
      const Payload payload = Encoded(old_image, new_image, 2048, group);
      ASSERT_FALSE(payload.data.empty());
      const CodedPlan coded = CodePlan(old_image, new_image, payload.plan, 2048);
      ASSERT_EQ(coded.status, LIBDELTA_OK);
      const size_t left_out = coded.data.size() - payload.data.size();
      ASSERT_LE(left_out, 2u);
      ASSERT_TRUE(Extended(payload.data, left_out, 0) == coded.data);
      ASSERT_TRUE(left_out == 2 || payload.data.back() != 0 || payload.data.size() == 1);
      ++trimmed[left_out];
      for (const size_t piece : {size_t{1}, kWhole}) {
        const DecodeOutcome outcome = Decode({old_image, new_image.size(), payload.data, 2048}, piece);
        ASSERT_EQ(outcome.status, LIBDELTA_OK);
        ASSERT_EQ(outcome.unread, 0u);
        ASSERT_TRUE(outcome.new_image == new_image);
        if (left_out < 2 || payload.data.size() < 2) continue;
        const Bytes shorter = Shortened(payload.data, 1);
        ASSERT_EQ(Decode({old_image, new_image.size(), shorter, 2048}, piece).status, LIBDELTA_E_MALFORMED);
      }
    }
  }
  EXPECT_GT(trimmed[0], 0);
  EXPECT_GT(trimmed[2], 0);
}

TEST(EndOfStream, CannotBeAnywhereEarlier) {
  const Bytes old_image = TextLike(900, 1);
  const Bytes new_image = WithEdits(old_image, 40, 2);
  for (const uint64_t group : {0, 1}) {
    const Payload payload = Encoded(old_image, new_image, 2048, group);
    ASSERT_GT(payload.data.size(), 40u);
    for (size_t size = 1; size + 4 < payload.data.size(); ++size) {
      const Bytes cut(payload.data.begin(), payload.data.begin() + static_cast<ptrdiff_t>(size));
      for (const size_t piece : {size_t{1}, kWhole}) {
        const DecodeOutcome outcome = Decode({old_image, new_image.size(), cut, 2048}, piece);
        ASSERT_EQ(outcome.status, LIBDELTA_E_MALFORMED) << size << " of " << payload.data.size() << " bytes";
      }
    }
  }
}

// --- Arenas ----------------------------------------------------------------------------------------

TEST(Arena, OfEverySizeIsEitherRefusedOrEnough) {
  const Bytes text = TextLike(500, 1);
  const Bytes edited = WithEdits(text, 40, 2);
  const NamedPair& thumb = ThumbPairs().front();
  const Bytes old_program = thumb.old_image();
  const Bytes new_program = thumb.new_image();
  const Bytes old_part(old_program.begin(), old_program.begin() + 1500);
  const Bytes new_part(new_program.begin(), new_program.begin() + 1500);
  for (const auto& [old_image, new_image] :
       {std::pair{text, edited}, std::pair{Bytes{}, text}, std::pair{old_part, new_part}}) {
    for (uint32_t arena = kSmallestArena - 40; arena < kSmallestArena + 70; ++arena) {
      SCOPED_TRACE(arena);
      const Payload payload = Encoded(old_image, new_image, arena);
      ASSERT_EQ(payload.data.empty(), arena < kSmallestArena);
      if (payload.data.empty()) continue;
      for (const size_t piece : {size_t{1}, kWhole}) {
        const DecodeOutcome outcome = Decode({old_image, new_image.size(), payload.data, arena}, piece);
        ASSERT_EQ(outcome.status, LIBDELTA_OK);
        ASSERT_TRUE(outcome.new_image == new_image);
      }
    }
  }
  EXPECT_TRUE(Encoded(text, edited, 0).data.empty());
}

// A payload meets another arena than it was made for: never beyond what there is.
TEST(Arena, ThatIsTooSmallForThePayloadIsRefused) {
  const NamedPair& thumb = ThumbPairs().front();
  const Bytes old_image = thumb.old_image();
  const Bytes new_image = thumb.new_image();
  const Payload payload = Encoded(old_image, new_image, 8192);
  ASSERT_FALSE(payload.plan.image_map.empty());
  ASSERT_FALSE(payload.plan.templates.empty());
  const size_t taken = payload.plan.templates.size() * sizeof(Template) + payload.plan.image_map.size() * 4 +
                       payload.plan.ram_map.size() * 8;
  const uint32_t needed = static_cast<uint32_t>(kSmallestArena + taken);
  for (uint32_t arena = 0; arena < needed; ++arena) {
    const DecodeOutcome outcome = Decode({old_image, new_image.size(), payload.data, arena}, kWhole);
    ASSERT_EQ(outcome.status, LIBDELTA_E_MALFORMED) << arena;
    ASSERT_TRUE(outcome.new_image.empty());
  }
  for (uint32_t arena = needed; arena < needed + 70; ++arena) {
    const DecodeOutcome outcome = Decode({old_image, new_image.size(), payload.data, arena}, kWhole);
    EXPECT_TRUE(outcome.status != LIBDELTA_OK || outcome.new_image.size() == new_image.size());
  }
  EXPECT_EQ(Decode({old_image, new_image.size(), payload.data, 8192}, kWhole).status, LIBDELTA_OK);
}

TEST(Arena, OfTheLargestSizesWork) {
  const NamedPair& thumb = ThumbPairs().front();
  const Bytes old_image = thumb.old_image();
  const Bytes new_image = thumb.new_image();
  for (const uint32_t arena : {(1u << 19) - 1, (1u << 19) + 1000, (1u << 20) - 816}) {
    const Payload payload = Encoded(old_image, new_image, arena);
    const DecodeOutcome outcome = Decode({old_image, new_image.size(), payload.data, arena}, 1000);
    ASSERT_EQ(outcome.status, LIBDELTA_OK);
    ASSERT_TRUE(outcome.new_image == new_image);
  }
}

// --- Steps -----------------------------------------------------------------------------------------

struct NoPages {
  static constexpr uint32_t pages = 0;
  static constexpr uint32_t snapshot_units = 0;
  static uint32_t GroupHead() { return 0; }
  static uint32_t Retained() { return 0; }
  static uint32_t NextPage() { return 0; }
  static bool Descends() { return false; }
};

// What the codec asks an encoder for, and a decoder does not know.
struct NoAnswers : NoPages {
  struct List {
    static uint32_t size() { return 0; }
  };
  List templates;
  List image_map;
  List ram_map;
  uint32_t base = 0;
  uint32_t ram_base = 0;
  uint32_t ram_length = 0;
  uint32_t limit = 0;
  uint32_t places = 0;
  uint32_t group_blocks = 0;
  static uint8_t TemplateByte(uint32_t) { return 0; }
  static MapEntry Entry(uint32_t, uint32_t) { return {}; }
  static bool NextIsInOrder(uint32_t) { return false; }
  static uint32_t GapAfter(uint32_t, uint64_t, uint64_t) { return 0; }
  static Operation NextOperation() { return {}; }
};

// Decodes a whole payload step by step. Where a group begins, it spoils all old bytes that the codec was
// given: nothing may depend on them any more.
class SpoilingPort : public ElsewherePort<uint64_t> {
 public:
  using Position = uint64_t;
  static constexpr bool kEncoding = false;
  static constexpr bool kHasTemplates = true;

  SpoilingPort(const DecodeInput& input, bool spoils)
      : images_{input.old_image, input.new_length}, spoils_(spoils) {
    coder_.SetInput(input.data.data(), static_cast<uint32_t>(input.data.size()), 0);
  }
  static NoAnswers plan() { return {}; }
  static void Enter(Stream, Position = 0) {}
  int Bit(uint32_t p12, int) { return coder_.Bit(p12); }
  void Start() { coder_.Start(); }
  uint32_t Restart() {
    coder_.Restart();
    if (spoils_) {
      for (const auto& [bytes, size] : given_) std::memset(bytes, 0xd7, size);
    }
    given_.clear();
    return 0;
  }
  libdelta_status Read(bool is_new, Position at, uint8_t* to, uint32_t size) {
    if (is_new) return images_.ReadNew(at, to, size) ? LIBDELTA_OK : LIBDELTA_E_READ_NEW;
    if (!images_.ReadOld(at, to, size)) return LIBDELTA_E_READ_OLD;
    given_.emplace_back(to, size);
    return LIBDELTA_OK;
  }
  bool WriteNew(Position at, const uint8_t* from, uint32_t size) {
    if (!images_.WriteNew(at, from, size)) return false;
    // Bytes that were read to where they are written from are the new image's.
    std::erase_if(given_, [&](const auto& given) { return given.first >= from && given.first < from + 64; });
    return true;
  }
  static uint8_t ActualByte(Position) { return 0; }
  static bool Same(bool, Position, Position, Position) { return false; }

  const BoundedImages& images() const { return images_; }

 private:
  BoundedImages images_;
  bool spoils_;
  RangeDecoder coder_{};
  std::vector<std::pair<uint8_t*, uint32_t>> given_;
};

struct StepsOutcome {
  libdelta_status status;
  int steps;
  Bytes new_image;
};

StepsOutcome DecodeSteps(const DecodeInput& input, bool spoils, int max_steps = 1 << 30) {
  SpoilingPort port(input, spoils);
  const std::unique_ptr<uint8_t[]> arena(new uint8_t[input.arena_size]);
  const auto codec = std::make_unique<Codec<SpoilingPort>>();
  codec->Start(&port, arena.get(), input.arena_size, input.old_image.size(), input.new_length);
  libdelta_status status = LIBDELTA_NEED_INPUT;
  int steps = 0;
  while (status == LIBDELTA_NEED_INPUT && steps < max_steps) {
    status = codec->Step();
    ++steps;
  }
  EXPECT_EQ(port.images().problem, "");
  return {status, steps, port.images().new_image};
}

TEST(Steps, RefuseWhatIsWrongAndNothingElse) {
  const Bytes image = RandomBytes(3000, 1);
  for (const PrologueCase& test : PrologueCases()) {
    SCOPED_TRACE(test.name);
    const StepsOutcome bad = DecodeSteps({image, image.size(), test.bad, test.arena}, false, 1);
    EXPECT_EQ(bad.status, LIBDELTA_E_MALFORMED);
    const StepsOutcome good = DecodeSteps({image, image.size(), test.good, test.arena}, false, 1);
    EXPECT_EQ(good.status, LIBDELTA_NEED_INPUT);
    ExpectRefuses({image, image.size(), test.bad, test.arena}, false);
  }
}

// Any bytes that a patch has room for.
Template UselessTemplate(Random* random) {
  Template t{};
  auto* bytes = reinterpret_cast<uint8_t*>(&t);
  for (uint32_t i = 0; i < sizeof(t); ++i) {
    bytes[i] = static_cast<uint8_t>(random->Byte() & ((1u << BitsOfByte(i)) - 1));
  }
  // What is masked too much is not looked at.
  for (uint32_t w = 0; w < kWords; ++w) {
    t.mask[w] = (*random)() & (*random)() & (*random)() & (*random)();
    t.match[w] = t.mask[w] & (*random)();
  }
  if (random->Below(2)) t.tied_bits = 0;
  if (random->Below(2)) t.mask[1] = t.match[1] = 0;
  return t;
}

// Runs that overlap or leave their word, fields wider than a word, signs outside the field, bytes in no
// order: of no use, no harm.
TEST(Steps, TakeUselessTemplates) {
  const Bytes image = RandomBytes(3000, 1);
  Random random(17);
  for (int i = 0; i < 300; ++i) {
    Plan plan;
    while (plan.templates.size() < 3) plan.templates.push_back(UselessTemplate(&random));
    const Bytes data = CodeTemplates(plan, 2048);
    const int steps = 1 + 3 * static_cast<int>(sizeof(Template));
    const StepsOutcome taken = DecodeSteps({image, image.size(), data, 2048}, false, steps);
    ASSERT_EQ(taken.status, LIBDELTA_NEED_INPUT);
    // What follows is noise. It ends, inside the images.
    const DecodeOutcome outcome = Decode({image, image.size(), Extended(data, 3000, 0x3c), 2048}, kWhole);
    ASSERT_NE(outcome.status, LIBDELTA_NEED_INPUT);
  }
}

// With all of its fields. The first piece of a payload is longer still.
TEST(Steps, TakeTheLongestPrologue) {
  PrologueFields fields;
  fields.image_entries = fields.ram_entries = 1;
  fields.base = fields.ram_base = fields.ram_length = fields.group_blocks = 0xffffffff;
  const Bytes data = fields.ToBits().FinishWithNoise();
  const Bytes image = RandomBytes(300, 1);
  const Bytes whole = Extended(data, 2000, 0x3c);
  EXPECT_EQ(DecodeSteps({image, image.size(), whole, 2048}, false, 3).status, LIBDELTA_NEED_INPUT);
  const DecodeOutcome expected = Decode({image, image.size(), whole, 2048}, kWhole);
  const DecodeOutcome pieces = Decode({image, image.size(), whole, 2048}, kMinChunk - kLinkSize);
  EXPECT_EQ(pieces.status, expected.status);
  EXPECT_TRUE(pieces.new_image == expected.new_image);
}

// Where a group begins, the old bytes around the last block are history: at the ends of the old image the
// window has zeros instead, not what was there before.
TEST(Groups, DoNotDependOnOldBytesOfEarlierOnes) {
  int compared = 0;
  const auto compare = [&](const Bytes& old_image, const Bytes& new_image, const Bytes& data) {
    for (const bool spoils : {false, true}) {
      const StepsOutcome outcome = DecodeSteps({old_image, new_image.size(), data, 4096}, spoils);
      ASSERT_EQ(outcome.status, LIBDELTA_OK) << spoils;
      ASSERT_TRUE(outcome.new_image == new_image) << spoils;
    }
    for (const size_t piece : {size_t{1}, size_t{5}, kWhole}) {
      const DecodeOutcome outcome = Decode({old_image, new_image.size(), data, 4096}, piece);
      ASSERT_EQ(outcome.status, LIBDELTA_OK) << piece;
      ASSERT_TRUE(outcome.new_image == new_image) << piece;
    }
    ++compared;
  };
  for (const NamedPair& pair : AllPairs()) {
    SCOPED_TRACE(pair.name);
    const Bytes old_image = pair.old_image();
    const Bytes new_image = pair.new_image();
    if (new_image.empty()) continue;
    for (const uint64_t group : {1, 3}) {
      compare(old_image, new_image, Encoded(old_image, new_image, 4096, group).data);
      if (HasFatalFailure()) return;
    }
  }
  // Both ends of the old image, again and again, each in a group of its own, with changes.
  for (uint32_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const Bytes old_image = RandomBytes(200, seed);
    Bytes new_image;
    Plan plan;
    plan.group_blocks = 1;
    for (uint32_t i = 0; i < 40; ++i) {
      const uint64_t source = i % 2 ? 0 : old_image.size() - 64;
      plan.operations.push_back({OperationKind::kOld, new_image.size(), 64, source});
      new_image.insert(new_image.end(), old_image.begin() + static_cast<ptrdiff_t>(source),
                       old_image.begin() + static_cast<ptrdiff_t>(source) + 64);
      for (uint32_t edits = random() % 8; edits != 0; --edits) {
        new_image[new_image.size() - 1 - random() % 64] = random.Byte();
      }
    }
    const CodedPlan coded = CodePlan(old_image, new_image, plan, 4096);
    ASSERT_EQ(coded.status, LIBDELTA_OK);
    compare(old_image, new_image, coded.data);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(compared, 50);
}

// --- Plans made by hand ----------------------------------------------------------------------------

// Codes the plan, which fails if it is not `valid`, and decodes that: with the same result.
void ExpectSameResult(const Bytes& old_image, const Bytes& new_image, const Plan& plan, bool valid) {
  const CodedPlan coded = CodePlan(old_image, new_image, plan, 2048);
  ASSERT_EQ(coded.status, valid ? LIBDELTA_OK : LIBDELTA_E_MALFORMED);
  for (const size_t piece : {size_t{1}, size_t{50}, kWhole}) {
    // The noise is not there when the payload is whole.
    const Bytes data = valid ? coded.data : Extended(coded.data, 100, 0x77);
    const DecodeOutcome outcome = Decode({old_image, new_image.size(), data, 2048}, piece);
    ASSERT_EQ(outcome.status, coded.status);
    if (valid) {
      ASSERT_TRUE(outcome.new_image == new_image);
    }
  }
}

struct PlanCase {
  const char* name;
  bool valid;
  std::vector<MapEntry> map;
  std::vector<uint64_t> lengths;
  std::vector<Operation> operations;
};

// Every bound of a copy, from both sides.
TEST(Plans, AreRefusedWhereACopyLeavesItsImage) {
  const Bytes image = RandomBytes(300, 9);
  const uint64_t far = ~uint64_t{0} - 20;
  using Kind = OperationKind;
  const PlanCase cases[] = {
      {"segment", true, {{0, 0}}, {300}, {}},
      {"segment that ends at the end", true, {{0, 0}, {100, 100}}, {50, 200}, {{Kind::kOld, 50, 50, 50}}},
      {"segment beyond the old image", false, {{1, 0}}, {300}, {}},
      {"segment behind the old image", false, {{301, 0}}, {1}, {}},
      {"empty segment at the end of the old image", true, {{300, 0}}, {0}, {{Kind::kOld, 0, 300, 0}}},
      {"empty segment behind the old image", true, {{301, 0}}, {0}, {{Kind::kOld, 0, 300, 0}}},
      {"segment at the end of the new image", true, {{0, 300}}, {0}, {{Kind::kOld, 0, 300, 0}}},
      {"segment behind the new image", true, {{0, 1000}}, {0}, {{Kind::kOld, 0, 300, 0}}},
      {"anchors outside both",
       true,
       {{400, 9000, true}, {9000, 400, true}},
       {0, 0},
       {{Kind::kOld, 0, 300, 0}}},
      {"copy beyond the old image", false, {}, {}, {{Kind::kOld, 0, 300, 1}}},
      {"copy from the last byte", true, {}, {}, {{Kind::kOld, 0, 299, 0}, {Kind::kOld, 299, 1, 299}}},
      {"copy from behind the old image", false, {}, {}, {{Kind::kOld, 0, 1, 301}}},
      {"copy from before the old image", false, {}, {}, {{Kind::kOld, 0, 30, far}}},
      {"copy beyond the new image", false, {}, {}, {{Kind::kOld, 0, 299, 0}, {Kind::kOld, 299, 2, 0}}},
      {"literals beyond the new image", false, {}, {}, {{Kind::kLiteral, 0, 301, 0}}},
      {"copy of what is not there", false, {}, {}, {{Kind::kNew, 0, 3, 1}}},
      {"copy from before the new image", false, {}, {}, {{Kind::kOld, 0, 200, 0}, {Kind::kNew, 200, 4, 201}}},
      {"copy from far before it", false, {}, {}, {{Kind::kOld, 0, 200, 0}, {Kind::kNew, 200, 4, far}}},
      {"copy of endless length", false, {}, {}, {{Kind::kOld, 0, 200, 0}, {Kind::kOld, 200, far, 0}}},
      {"copy into a segment", false, {{100, 100}}, {200}, {{Kind::kOld, 0, 101, 0}}},
  };
  for (const PlanCase& test : cases) {
    SCOPED_TRACE(test.name);
    Plan plan;
    plan.image_map = test.map;
    plan.segment_lengths = test.lengths;
    plan.operations = test.operations;
    ExpectSameResult(image, image, plan, test.valid);
    if (HasFatalFailure()) return;
  }
}

// A word with `opcode` on top that says how far `target` is from it.
constexpr uint32_t kOpcode = 0xe8000000;

struct CopiedCall {
  const char* name;
  uint32_t bits;      // Of the field.
  uint64_t distance;  // From the call to its copy.
  uint64_t at;        // Where the copy is.
  uint64_t group_blocks;
  bool keeps_target;  // Whether a copy points where the call does, or as far away.
};

// The length of a payload in which a copy from the output has a call in it; it points to `target`.
size_t SizeWithCall(const CopiedCall& test, uint64_t target) {
  constexpr uint64_t kMargin = 12;  // On either side of the call.
  const uint64_t call_at = test.at - test.distance;
  Bytes new_image = RandomBytes(test.at + 400, 3);
  const auto copy_at = new_image.begin() + static_cast<ptrdiff_t>(test.at - kMargin);
  const auto put = [&](uint64_t at, uint64_t to) {
    const uint32_t field = static_cast<uint32_t>(to - at) & ((1u << test.bits) - 1);
    StoreWord(new_image.data() + at, kLittleEndian, kOpcode | field);
  };
  put(call_at, 300);
  std::copy_n(copy_at - static_cast<ptrdiff_t>(test.distance), 2 * kMargin + 4, copy_at);
  put(test.at, target);

  Template t{};
  t.last_byte = 3;
  t.order = kLittleEndian;
  t.origin = 1;
  SetRuns({{0, static_cast<uint8_t>(test.bits)}}, 0, &t);
  t.last_bit = static_cast<uint8_t>(test.bits - 1);
  t.sign_bit = t.last_bit;
  t.mask[0] = ~((1u << test.bits) - 1);
  t.match[0] = kOpcode;
  Plan plan;
  plan.templates = {t};
  plan.group_blocks = test.group_blocks;
  const uint64_t start = test.at - kMargin;
  plan.operations = {
      {OperationKind::kLiteral, 0, start, 0},
      {OperationKind::kNew, start, 2 * kMargin + 4, test.distance},
      {OperationKind::kLiteral, start + 2 * kMargin + 4, new_image.size() - start - 2 * kMargin - 4, 0}};
  const CodedPlan coded = CodePlan({}, new_image, plan, 4096);
  EXPECT_EQ(coded.status, LIBDELTA_OK);
  ExpectDecodes({{}, new_image.size(), coded.data, 4096}, new_image);
  return coded.data.size();
}

// What a copy does not get right is coded as literal bytes: all of them from the call on.
TEST(NewCopies, KeepTheTargetsOfCalls) {
  constexpr size_t kClearly = 6;
  const CopiedCall cases[] = {
      {"of 24 bits", 24, 90, 200, 0, true},
      {"of 16 bits", 16, 90, 200, 0, true},
      {"too short", 15, 90, 200, 0, false},
      {"far away", 24, 5000, 6000, 0, true},
      {"just far enough", 24, 65, 200, 0, true},
      {"too near", 24, 64, 200, 0, false},
      {"over the end of a block", 24, 90, 254, 0, true},
      {"up to the end of a group", 24, 90, 252, 1, true},
      {"over the end of a group", 24, 90, 253, 1, false},
      {"where the copied one is over the end of one", 24, 94, 220, 1, true},
  };
  for (const CopiedCall& test : cases) {
    SCOPED_TRACE(test.name);
    const size_t with_target = SizeWithCall(test, 300);
    const size_t with_field = SizeWithCall(test, 300 + test.distance);
    const size_t with_neither = SizeWithCall(test, 290);
    EXPECT_LE(with_field + kClearly, with_neither);
    if (test.keeps_target) {
      EXPECT_LE(with_target + kClearly, with_neither);
    } else {
      EXPECT_LE(with_field + kClearly, with_target);
    }
  }
}

// Answers whatever it likes, mostly what is possible, while a codec encodes: all streams that a decoder can
// meet are made in this way, also those of no encoder.
class RandomPort : public ElsewherePort<uint64_t> {
 public:
  using Position = uint64_t;
  static constexpr bool kEncoding = true;
  static constexpr bool kHasTemplates = true;

  RandomPort(uint32_t seed, const Bytes& old_image, uint64_t new_length)
      : random_(seed), images_{old_image, new_length}, plan_(this), encoder_(&data_) {}

  class Answers : public NoPages {
   public:
    explicit Answers(RandomPort* port) : port_(port) {
      Random& random = port->random_;
      const bool refers = random() % 2 != 0;
      templates.count = refers ? random() % 4 : 0;
      image_map.count = random() % 3 ? random() % 12 : 0;
      ram_map.count = random() % 4 ? 0 : random() % 6;
      base = random() % 3 ? 0 : port->Wild();
      ram_base = random() % 2 ? random() % 512 : port->Wild();
      ram_length = random() % 2 ? random() % 100000 : port->Wild();
      limit = random() % 16;
      places = random() % 16;
      group_blocks = random() % 2 ? 0 : random() % 4 ? 1 + random() % 3 : port->Wild();
    }

    uint8_t TemplateByte(uint32_t i) {
      if (i % sizeof(Template) == 0) SetTemplate();
      return reinterpret_cast<const uint8_t*>(&template_)[i % sizeof(Template)];
    }

    MapEntry Entry(uint32_t area, uint32_t) {
      Random& random = port_->random_;
      last_ = random() % 8 ? last_ + random() % 100 : port_->Wild();
      if (area == 0) ++port_->entries;
      const uint64_t to = random() % 8 ? random() % (port_->images_.new_length + 20) : port_->Wild();
      const bool outside = last_ > port_->images_.old_image.size() || to > port_->images_.new_length;
      port_->has_entries_outside |= area == 0 && outside;
      return {last_, to, random() % 4 == 0};
    }

    bool NextIsInOrder(uint32_t) { return port_->random_() % 2 != 0; }

    uint64_t GapAfter(uint32_t, uint64_t, uint64_t gap_end) {
      Random& random = port_->random_;
      gap_end_ = gap_end;
      const uint64_t room = gap_end - port_->position();
      if (random() % 64 == 0) return port_->Wild();
      return random() % 2 ? room : random() % (room + 1);
    }

    Operation NextOperation() {
      Random& random = port_->random_;
      const uint64_t position = port_->position();
      const uint64_t room = gap_end_ - position;
      Operation o{static_cast<OperationKind>(random() % 3), position, 0, 0};
      o.length = 1 + random() % (random() % 2 ? room : std::min<uint64_t>(room, 9));
      if (o.kind == OperationKind::kNew && position == 0) o.kind = OperationKind::kLiteral;
      if (o.kind == OperationKind::kNew) {
        o.source = 1 + random() % (random() % 2 ? position : std::min<uint64_t>(position, 70));
      }
      if (o.kind == OperationKind::kOld) {
        if (port_->images_.old_image.empty()) return {OperationKind::kLiteral, position, room, 0};
        o.source = random() % port_->images_.old_image.size();
        o.length = std::min<uint64_t>(o.length, port_->images_.old_image.size() - o.source);
      }
      if (random() % 256 == 0) o.source = port_->Wild();
      if (random() % 256 == 0) o.length = port_->Wild();
      operation_ = o;
      return o;
    }

    // Not here: copies that an encoder would cut are what a decoder must survive.
    Operation Cut(uint64_t) { return operation_; }

    struct List {
      uint32_t count = 0;
      uint32_t size() const { return count; }
    };
    List templates;
    List image_map;
    List ram_map;
    uint64_t base;
    uint64_t ram_base;
    uint64_t ram_length;
    uint32_t limit;
    uint32_t places;
    uint64_t group_blocks;

   private:
    // Any. Old bytes are 0 or 1: few bits may have to match, or no word ever would.
    void SetTemplate() {
      Random& random = port_->random_;
      Template& t = template_;
      t = UselessTemplate(&random);
      t.last_run = static_cast<uint8_t>(random() % (random() % 4 ? 3 : 8));
      for (uint8_t& last : t.run_last) {
        if (random() % 16)
          last = static_cast<uint8_t>((last & kInOther) | random() % (32 / (t.last_run + 1)));
      }
      for (uint32_t side = 0; side < 2; ++side) {
        if (random() % 4) t.base[side] = 0;
      }
      for (uint32_t w = 0; w < kWords; ++w) {
        if (random() % 4) t.mask[w] = 0x01010101u & random();
        t.match[w] = t.mask[w] & random() & 0x01010101u;
      }
    }

    RandomPort* port_;
    Template template_{};
    Operation operation_{};
    uint64_t last_ = 0;
    uint64_t gap_end_ = 0;
  };

  Answers& plan() { return plan_; }
  static void Enter(Stream, Position = 0) {}
  int Bit(uint32_t p12, int bit) {
    encoder_.Bit(p12, bit);
    return bit;
  }
  void Start() {}
  uint32_t Restart() {
    ++groups;
    encoder_.EndGroup();
    return 0;
  }
  libdelta_status Read(bool is_new, Position at, uint8_t* to, uint32_t size) {
    if (!is_new) return images_.ReadOld(at, to, size) ? LIBDELTA_OK : LIBDELTA_E_READ_OLD;
    // Before it codes a flag the codec looks ahead, at what is not written yet. A decoder cannot, as is seen
    // below.
    const Bytes& image = images_.new_image;
    for (uint64_t i = 0; i < size; ++i) to[i] = at + i < image.size() ? image[at + i] : 0;
    return LIBDELTA_OK;
  }
  bool WriteNew(Position at, const uint8_t* from, uint32_t size) { return images_.WriteNew(at, from, size); }
  uint8_t ActualByte(Position at) const { return static_cast<uint8_t>((at * 0x9e3779b1u >> 13) % 7 == 0); }
  bool Same(bool, Position, Position, Position) { return random_() % 2 != 0; }

  void SetCodec(const Codec<RandomPort>* codec) { codec_ = codec; }
  uint64_t position() const { return codec_->position(); }
  Bytes Finish() {
    encoder_.EndGroup();
    return data_;
  }
  const BoundedImages& images() const { return images_; }

  int entries = 0;
  int groups = 0;
  bool has_entries_outside = false;

 private:
  // A number of any size.
  uint64_t Wild() {
    const uint64_t high = random_();
    return (high << 32 | random_()) >> random_() % 64;
  }

  Random random_;
  BoundedImages images_;
  Answers plan_;
  Bytes data_;
  RangeEncoder encoder_;
  const Codec<RandomPort>* codec_ = nullptr;
};

TEST(Plans, OfAnyKindDecodeAsTheyWereCoded) {
  int complete = 0;
  int refused = 0;
  int complete_outside = 0;
  int complete_groups = 0;
  for (uint32_t seed = 0; seed < 3000; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed + 100000);
    Bytes old_image(random() % 5 ? random() % 1000 : 0);
    for (uint8_t& byte : old_image) byte = random() % 5 == 0;
    const uint64_t new_length = 1 + random() % (random() % 10 ? 700 : 9000);
    const uint32_t arena_size = random() % 10 ? 2048 : kSmallestArena + random() % 100;
    RandomPort port(seed, old_image, new_length);
    const std::unique_ptr<uint8_t[]> arena(new uint8_t[arena_size]);
    const auto codec = std::make_unique<Codec<RandomPort>>();
    port.SetCodec(codec.get());
    codec->Start(&port, arena.get(), arena_size, old_image.size(), new_length);
    libdelta_status status;
    do {
      status = codec->Step();
    } while (status == LIBDELTA_NEED_INPUT);
    ASSERT_TRUE(status == LIBDELTA_OK || status == LIBDELTA_E_MALFORMED);
    ASSERT_EQ(port.images().problem, "");
    const Bytes data = port.Finish();
    for (const size_t piece : {size_t{1}, size_t{53}, kWhole}) {
      const DecodeOutcome outcome = Decode({old_image, new_length, data, arena_size}, piece);
      ASSERT_EQ(outcome.status, status) << "pieces of " << piece;
      ASSERT_TRUE(outcome.new_image == port.images().new_image) << "pieces of " << piece;
      if (status == LIBDELTA_OK) {
        ASSERT_EQ(outcome.unread, 0u);
        ASSERT_EQ(outcome.new_image.size(), new_length);
      }
    }
    ++(status == LIBDELTA_OK ? complete : refused);
    if (status != LIBDELTA_OK) continue;
    complete_outside += port.has_entries_outside;
    complete_groups += port.groups > 0;
    // Damage must not lead outside, either.
    for (int i = 0; i < 3; ++i) {
      Bytes damaged = data;
      damaged[random() % damaged.size()] ^= static_cast<uint8_t>(1u << random() % 8);
      Decode({old_image, new_length, damaged, arena_size}, 1 + random() % 300);
    }
    if (HasFailure()) return;
  }
  EXPECT_GT(complete, 500);
  EXPECT_GT(refused, 150);
  EXPECT_GT(complete_outside, 50);
  EXPECT_GT(complete_groups, 50);
  RecordProperty("complete", complete);
  RecordProperty("complete_outside", complete_outside);
  RecordProperty("complete_groups", complete_groups);
}

}  // namespace
}  // namespace libdelta::testing
