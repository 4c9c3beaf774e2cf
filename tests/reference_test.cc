// Reference templates: the arithmetic of wire/reference.h and the instruction sets of host/isa.h, checked
// against encodings from the architecture manuals (Thumb: also what arm-none-eabi-as makes of them).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "libdelta/host/isa.h"
#include "libdelta/host/references.h"
#include "libdelta/wire/reference.h"
#include "tests/support/random.h"

namespace libdelta {
namespace {

struct NamedTemplate {
  std::string name;
  Template t;
};

std::vector<NamedTemplate> AllTemplates() {
  std::vector<NamedTemplate> all;
  for (const Template& t : DataTemplates()) all.push_back({"data " + std::to_string(all.size()), t});
  for (const TemplateSet& set : TemplateSets()) {
    for (const Template& t : set.calls) all.push_back({set.name + " call", t});
    for (size_t i = 0; i < set.others.size(); ++i) {
      all.push_back({set.name + " other " + std::to_string(i), set.others[i]});
    }
  }
  return all;
}

uint32_t LowMask(uint32_t bits) { return static_cast<uint32_t>((uint64_t{1} << bits) - 1); }
uint32_t HighMask(uint32_t bits) { return ~LowMask(32 - bits); }

uint32_t FieldBits(const Template& t) { return t.last_bit + 1u; }

// The bits of a word that its bytes fill.
uint32_t WordMask(const Template& t) {
  return t.order == kBigEndian ? HighMask(8 * Width(t)) : LowMask(8 * Width(t));
}

// The bits of the words that make up the field.
Words FieldMask(const Template& t) {
  Words mask{};
  for (uint32_t i = 0; i <= t.last_run; ++i) {
    mask.at[t.run_last[i] / kInOther] |= RunOnes(t, i) << t.run_shift[i];
  }
  return mask;
}

// Disjoint runs, in any order.
void SetRandomRuns(testing::Random& random, bool is_pair, Template* t) {
  const uint32_t all[kWords] = {WordMask(*t), is_pair ? 0xffffffff : 0};
  uint32_t taken[kWords] = {};
  uint32_t runs = 0;
  uint32_t bits = 0;
  for (uint32_t tries = 0; tries < 16 && runs < kMaxRuns; ++tries) {
    const uint32_t word = random.Below(kWords);
    const uint32_t shift = random.Below(32);
    const uint32_t length = 1 + random.Below(32 - shift);
    const uint32_t mask = LowMask(length) << shift;
    if ((mask & ~all[word]) || (taken[word] & mask) || bits + length > 32) continue;
    taken[word] |= mask;
    t->run_shift[runs] = static_cast<uint8_t>(shift);
    t->run_last[runs++] = static_cast<uint8_t>((length - 1) | word * kInOther);
    bits += length;
  }
  if (runs == 0) return SetRandomRuns(random, is_pair, t);
  t->last_run = static_cast<uint8_t>(runs - 1);
  t->last_bit = static_cast<uint8_t>(bits - 1);
}

// Any template of use that the format can carry.
Template RandomTemplate(testing::Random& random) {
  Template t{};
  t.last_byte = static_cast<uint8_t>(random.Below(4));
  t.order = random.Below(2) ? kBigEndian : kLittleEndian;
  t.align_mask = static_cast<uint8_t>(random.Below(4));
  t.scale = static_cast<uint8_t>(random.Below(8));
  t.bias = static_cast<int8_t>(random.Byte());
  t.origin = static_cast<uint8_t>(random.Below(8));
  t.origin_shift = static_cast<uint8_t>(random.Below(16));
  for (uint32_t side = 0; side < 2 && random.Below(4) == 0; ++side) t.base[side] = random();
  const bool is_pair = random.Below(2) != 0;
  SetRandomRuns(random, is_pair, &t);
  t.twist = static_cast<uint8_t>(random.Below(2) ? kReversed : t.last_bit >= 2 ? random.Below(4) : 0);
  const uint32_t signs[] = {0, t.last_bit, random.Below(FieldBits(t))};
  t.sign_bit = static_cast<uint8_t>(signs[random.Below(3)]);
  const Words field = FieldMask(t);
  t.mask[0] = WordMask(t) & ~field.at[0];
  t.match[0] = random() & t.mask[0];
  if (!is_pair) return t;
  t.reach = static_cast<uint8_t>(random.Below(8));
  t.mask[1] = random() & ~field.at[1];
  t.match[1] = random() & t.mask[1];
  t.tied_bits = static_cast<uint8_t>(random.Below(32));
  for (uint8_t& shift : t.tied_shift) shift = static_cast<uint8_t>(random.Below(32));
  return t;
}

void ExpectFieldInverse(const Template& t, testing::Random& random) {
  const uint32_t words[kWords] = {random(), random()};
  const uint32_t field = random() & HighMask(FieldBits(t));
  const Words mask = FieldMask(t);
  uint32_t exchanged[kWords] = {words[0], words[1]};
  EXPECT_EQ(Exchange(t, exchanged, field), Gather(t, words));
  EXPECT_EQ(Gather(t, exchanged), field);
  for (uint32_t w = 0; w < kWords; ++w) {
    EXPECT_EQ(exchanged[w] & ~mask.at[w], words[w] & ~mask.at[w]) << "bits outside the field must stay";
  }
  EXPECT_EQ(WithField(t, {{words[0], words[1]}}, field), exchanged[0]);
  EXPECT_EQ(WithField(t, {{words[0], words[1]}}, Gather(t, words)), words[0]);
}

TEST(Reference, ExchangeInvertsGather) {
  testing::Random random(1);
  for (int i = 0; i < 20000; ++i) {
    ExpectFieldInverse(RandomTemplate(random), random);
    if (HasFailure()) return;
  }
}

TEST(Reference, ReachesWordsOnBothSides) {
  const int32_t expected[] = {2, 4, 6, 8, -8, -6, -4, -2};
  Template t{};
  for (; t.reach < 8; ++t.reach) EXPECT_EQ(Reach(t), expected[t.reach]);
}

// Fields with a sign below their highest bit: the lower part of an address counts negative.
TEST(Reference, LowerPartsMayBeNegative) {
  Template t{};
  t.last_bit = 31;
  t.sign_bit = 11;
  EXPECT_EQ(Distance(t, 0x12345000), 0x12345000u);
  EXPECT_EQ(Distance(t, 0x123457ff), 0x123457ffu);
  EXPECT_EQ(Distance(t, 0x12345800), 0x12344800u);
  EXPECT_EQ(Distance(t, 0x00000fff), 0xffffffffu);
  uint32_t field = 0;
  EXPECT_TRUE(FieldFor(t, 0x12345800, 0, &field));
  EXPECT_EQ(field, 0x12346800u);
  EXPECT_TRUE(FieldFor(t, 0xffffffff, 0, &field));
  EXPECT_EQ(field, 0x00000fffu);
}

TEST(Reference, OriginsArePagesOfAnySize) {
  Template t{};
  t.origin = 1;
  t.origin_shift = 12;
  t.bias = -8;
  EXPECT_EQ(Origin(t, 0x20008, kOldSide), 0x20000u);
  EXPECT_EQ(Origin(t, 0x20004, kOldSide), 0x1f000u);
  t.base[kNewSide] = 0xfffff000;
  EXPECT_EQ(Origin(t, 0x20008, kNewSide), 0x1f000u);
  t.origin = 0;
  EXPECT_EQ(Origin(t, 0x20008, kNewSide), 0xfffff000u);
}

// Puts a pair with this template at `at`.
void PutPair(const Template& t, testing::Random& random, size_t at, Bytes* image) {
  uint32_t words[kWords];
  for (uint32_t w = 0; w < kWords; ++w) words[w] = (random() & ~t.mask[w]) | t.match[w];
  StoreWord(image->data() + at, t.order, words[0]);
  StoreWord(image->data() + at + static_cast<size_t>(Reach(t)), t.order, words[1]);
}

Template PairWithTie() {
  Template t{};
  t.last_byte = 3;
  t.order = kLittleEndian;
  t.last_bit = 7;
  t.run_last[0] = 7;
  t.mask[0] = t.mask[1] = 0xff000000;
  t.match[0] = 0x12000000;
  t.match[1] = 0x34000000;
  return t;
}

TEST(Reference, IsFoundWhereBothWordsAreInTheImage) {
  testing::Random random(5);
  Template t = PairWithTie();
  for (t.reach = 0; t.reach < 8; ++t.reach) {
    if (Reach(t) == 2 || Reach(t) == -2) continue;  // These words overlap.
    const size_t reach = static_cast<size_t>(std::abs(Reach(t)));
    const size_t at = Reach(t) < 0 ? reach : 0;
    Bytes image(reach + 4);
    PutPair(t, random, at, &image);
    Words words;
    EXPECT_TRUE(FindReference(t, image, at, &words)) << Reach(t);
    EXPECT_EQ(words.at[0] >> 24, 0x12u);
    EXPECT_EQ(words.at[1] >> 24, 0x34u);
    EXPECT_FALSE(FindReference(t, ByteView(image).first(reach + 3), at, &words));
    EXPECT_FALSE(FindReference(t, ByteView(image).subspan(1), at - 1, &words));
    EXPECT_FALSE(FindReference(t, image, at + 1, &words));
  }
}

TEST(Reference, IsFoundWhereTiedBitsAreEqual) {
  Template t = PairWithTie();
  t.tied_bits = 0x1f;
  t.tied_shift[0] = 4;
  t.tied_shift[1] = 17;
  t.reach = 1;
  for (uint32_t a = 0; a < 32; ++a) {
    for (uint32_t b = 0; b < 32; ++b) {
      uint8_t image[8];
      StoreWord(image, t.order, t.match[0] | a << 4 | 0xf);
      StoreWord(image + 4, t.order, t.match[1] | b << 17 | 0x1ffff);
      Words words;
      EXPECT_EQ(FindReference(t, image, 0, &words), a == b);
    }
  }
}

TEST(Reference, LoadsWhatItStores) {
  testing::Random random(2);
  for (uint32_t width = 1; width <= 4; ++width) {
    for (const uint32_t order : {kBigEndian, kLittleEndian}) {
      uint8_t bytes[6] = {0xee, 1, 2, 3, 4, 0xee};
      bytes[1 + width] = 0xee;
      const uint32_t word = random() & (order == kBigEndian ? HighMask(8 * width) : LowMask(8 * width));
      StoreWord(bytes + 1, width, order, word);
      EXPECT_EQ(LoadWord(bytes + 1, width, order), word);
      EXPECT_EQ(bytes[0], 0xee);
      EXPECT_EQ(bytes[1 + width], 0xee);
      // The form that does not know the width sees the same bits, and others.
      const uint32_t beyond = order == kBigEndian ? LowMask(32 - 8 * width) : HighMask(32 - 8 * width);
      EXPECT_EQ(LoadWord(bytes + 1, order) & ~beyond, word);
      StoreWord(bytes + 1, order, ~word);
      EXPECT_EQ(LoadWord(bytes + 1, order), ~word);
      EXPECT_EQ(LoadWord(bytes + 1, width, order), ~word & ~beyond);
      EXPECT_EQ(bytes[0], 0xee);
      EXPECT_EQ(bytes[5], 0xee);
    }
  }
  const uint8_t bytes[] = {0x12, 0x34, 0x56, 0x78};
  EXPECT_EQ(LoadWord(bytes, 4, kBigEndian), 0x12345678u);
  EXPECT_EQ(LoadWord(bytes, kBigEndian), 0x12345678u);
  EXPECT_EQ(LoadWord(bytes, kLittleEndian), 0x78563412u);
  EXPECT_EQ(LoadWord(bytes, 3, kLittleEndian), 0x563412u);
  EXPECT_EQ(LoadWord(bytes, 3, kBigEndian), 0x12345600u);
}

// A field whose target is asked for again is that field. `field` is a number, not moved to the high end yet.
void ExpectTargetInverse(const NamedTemplate& named, uint32_t field, uint32_t address) {
  const Template& t = named.t;
  const uint32_t held = field << (31 - t.last_bit);
  const uint32_t target = Target(t, held, address, kNewSide);
  const uint32_t sign = t.sign_bit == 0 ? 0 : field & (1u << t.sign_bit);
  const uint32_t distance = (field - 2 * sign) << t.scale;
  const uint32_t step = static_cast<uint32_t>(t.origin) << t.origin_shift;
  const uint32_t from = address + static_cast<uint32_t>(static_cast<int32_t>(t.bias));
  const uint32_t origin = (t.origin == 0 ? 0 : from & (0u - step)) + t.base[kNewSide];
  ASSERT_EQ(target, origin + distance) << named.name << " field " << field << " at " << address;
  uint32_t again = 0;
  ASSERT_TRUE(FieldFor(t, target, address, &again)) << named.name << " field " << field << " at " << address;
  ASSERT_EQ(Target(t, again, address, kNewSide), target) << named.name;
  // Fields with bits to spare may have others that mean the same.
  if (FieldBits(t) + t.scale <= 32) {
    ASSERT_EQ(again, held) << named.name << " at " << address;
  }
  // Images differ in nothing but the base.
  ASSERT_EQ(Target(t, again, address, kOldSide) - t.base[kOldSide],
            Target(t, again, address, kNewSide) - t.base[kNewSide]);
}

void ExpectTargetsInverse(const NamedTemplate& named, testing::Random& random) {
  const uint32_t top = LowMask(FieldBits(named.t));
  std::vector<uint32_t> fields = {0, 1, top, top - 1, top >> 1, (top >> 1) + 1};
  for (int i = 0; i < 40; ++i) fields.push_back(random() & top);
  for (const uint32_t field : fields) {
    for (const uint32_t address : {0u, 2u, 0x08000000u, 0x7ffffffeu, 0x80000000u, 0xfffffffeu, 0xfffffffcu}) {
      ExpectTargetInverse(named, field & top, address);
    }
  }
}

TEST(Reference, FieldForInvertsTargetUpToTheExtremes) {
  testing::Random random(3);
  for (const NamedTemplate& named : AllTemplates()) ExpectTargetsInverse(named, random);
  for (int i = 0; i < 2000 && !HasFatalFailure(); ++i) {
    ExpectTargetsInverse({"random " + std::to_string(i), RandomTemplate(random)}, random);
  }
}

TEST(Reference, FieldForFindsEveryFieldOfShortBranches) {
  for (const NamedTemplate& named : AllTemplates()) {
    if (FieldBits(named.t) > 12) continue;
    for (uint32_t field = 0; field <= LowMask(FieldBits(named.t)); ++field) {
      ExpectTargetInverse(named, field, 0x0800123c);
      if (HasFatalFailure()) return;
    }
  }
}

// Whatever FieldFor() says fits, does; the neighbours of the extremes do not.
TEST(Reference, FieldForRefusesWhatIsOutOfReach) {
  const Template& bl = TemplateSets()[0].calls[0];
  const uint32_t origin = 0x20000004;
  uint32_t field = 0;
  EXPECT_TRUE(FieldFor(bl, origin + 16777214, origin - 4, &field));
  EXPECT_FALSE(FieldFor(bl, origin + 16777216, origin - 4, &field));
  EXPECT_TRUE(FieldFor(bl, origin - 16777216, origin - 4, &field));
  EXPECT_FALSE(FieldFor(bl, origin - 16777218, origin - 4, &field));
  EXPECT_FALSE(FieldFor(bl, origin + 1, origin - 4, &field));
  EXPECT_FALSE(FieldFor(bl, origin + 0x80000000u, origin - 4, &field));
  const Template pointer = PointerTemplate(false);
  EXPECT_TRUE(FieldFor(pointer, 0xffffffff, 0, &field));
  EXPECT_EQ(field, 0xffffffffu);
}

TEST(Reference, FieldForNeverClaimsAWrongTarget) {
  testing::Random random(4);
  for (int i = 0; i < 50000; ++i) {
    const Template t = RandomTemplate(random);
    const uint32_t address = random();
    const uint32_t target = random() % 4 ? address + random() % 4096 - 2048 : random();
    uint32_t field = 0;
    if (!FieldFor(t, target, address, &field)) continue;
    ASSERT_EQ(field & ~HighMask(FieldBits(t)), 0u);
    ASSERT_EQ(Target(t, field, address, kNewSide), target);
  }
}

// An instruction: its set, its word in memory order as the template sees it, and where it goes.
struct Known {
  const char* set;
  uint32_t word;
  uint32_t address;
  uint32_t target;
};

constexpr Known kKnown[] = {
    {"thumb", 0xfffef7ff, 0x1000, 0x1000},              // bl .
    {"thumb", 0xf800f000, 0x1000, 0x1004},              // bl .+4
    {"thumb", 0xd7fff3ff, 0x24, 0x24 + 4 + 16777214},   // bl, farthest forwards
    {"thumb", 0xd000f400, 0x28, 0x28 + 4 - 16777216u},  // bl, farthest backwards
    {"thumb", 0xbffef7ff, 0x1000, 0x1000},              // b.w .
    {"thumb", 0xba2bf123, 0x2c, 0x2c + 4 + 0x123456},   // b.w
    {"thumb", 0xaffef43f, 0x1000, 0x1000},              // beq.w .
    {"thumb", 0x8000f440, 0x30, 0x34 - 1048576u},       // bne.w, farthest backwards
    {"thumb", 0xaffff07f, 0x34, 0x38 + 1048574},        // bne.w, farthest forwards
    {"thumb", 0x9123f8df, 0x1002, 0x1127},              // ldr.w r9, [pc, #0x123]
    {"thumb", 0x4801, 0x1000, 0x1008},                  // ldr r0, [pc, #4]
    {"thumb", 0x4801, 0x1002, 0x1008},                  // the same from an odd halfword
    {"thumb", 0xa100, 0x1002, 0x1004},                  // adr r1, .+2
    {"thumb", 0xe7fe, 0x1000, 0x1000},                  // b .
    {"thumb", 0xd0fe, 0x1000, 0x1000},                  // beq .
    {"thumb", 0xbbf8, 0x38, 0x38 + 4 + 126},            // cbnz r0, farthest
    {"arm", 0xebfffffe, 0x8000, 0x8000},                // bl .
    {"arm", 0x0a000000, 0x8000, 0x8008},                // beq .+8
    {"aarch64", 0x97ffffff, 0x1000, 0xffc},             // bl .-4
    {"aarch64", 0x14000000, 0x1000, 0x1000},            // b .
    {"aarch64", 0x54000040, 0x1000, 0x1008},            // b.eq .+8
    {"aarch64", 0xb4ffffe0, 0x1000, 0xffc},             // cbz x0, .-4
    {"riscv", 0xffdff06f, 0x1000, 0xffc},               // j .-4
    {"riscv", 0x001000ef, 0x1000, 0x1800},              // jal ra, .+2048
    {"riscv", 0xfe000ee3, 0x1000, 0xffc},               // beq zero, zero, .-4
    {"riscv", 0xa001, 0x1000, 0x1000},                  // c.j .
    {"riscv", 0xbffd, 0x1000, 0xffe},                   // c.j .-2
    {"riscv", 0xd87d, 0x1000, 0xff6},                   // c.beqz s0, .-10
    {"avr", 0x0080940e, 0x20, 0x100},                   // call 0x100
    {"avr", 0xcfff, 0x20, 0x20},                        // rjmp .-2, in avr-gcc's terms
    {"8051", 0x121234, 0, 0x1234},                      // lcall 0x1234
    {"8051", 0x021234, 0x8000, 0x1234},                 // ljmp 0x1234
    {"8051", 0x901234, 0x8000, 0x1234},                 // mov dptr, #0x1234
    {"8051", 0x3156, 0x1000, 0x1156},                   // acall 0x1156
    {"8051", 0xf1ff, 0x1000, 0x17ff},                   // acall, last in its 2 KiB
    {"8051", 0x3156, 0x17fd, 0x1156},                   // acall, next instruction still there
    {"8051", 0x3156, 0x17fe, 0x1956},                   // acall, next instruction behind them
    {"8051", 0xe100, 0xf801, 0xff00},                   // ajmp 0xff00
    {"8051", 0x0100, 0xfffe, 0x10000},                  // ajmp from the end
    {"xtensa", 0x010005, 0x1002, 0x2004},               // call0, 1024 words from 0x1004
    {"xtensa", 0xfffe46, 0x1000, 0xffd},                // j .-3
    {"xtensa-be", 0x500400, 0x1002, 0x2004},            // the same call0, big-endian
    {"xtensa-be", 0x600001, 0x1000, 0x1005},            // j .+5
};

const TemplateSet& SetNamed(const std::string& name) {
  for (const TemplateSet& set : TemplateSets()) {
    if (set.name == name) return set;
  }
  ADD_FAILURE() << "no set " << name;
  return TemplateSets()[0];
}

// A number as wide as the template as its word, which big-endian bytes fill from the high end.
Words WordOf(const Template& t, uint32_t number) {
  return {{t.order == kBigEndian ? number << (32 - 8 * Width(t)) : number, 0}};
}

// The first template of the set that the word matches; width decides between 2- and 4-byte forms.
const Template* Matching(const TemplateSet& set, uint32_t word) {
  for (const auto* group : {&set.calls, &set.others}) {
    for (const Template& t : *group) {
      const bool fits = (word & ~LowMask(8 * Width(t))) == 0 && (Width(t) == 2) == (word <= 0xffff);
      if (fits && !IsPair(t) && (WordOf(t, word).at[0] & t.mask[0]) == t.match[0]) return &t;
    }
  }
  return nullptr;
}

TEST(InstructionSets, DecodeKnownInstructions) {
  for (const Known& known : kKnown) {
    const Template* t = Matching(SetNamed(known.set), known.word);
    ASSERT_NE(t, nullptr) << known.set << " " << std::hex << known.word;
    EXPECT_EQ(Target(*t, Gather(*t, WordOf(*t, known.word).at), known.address, kOldSide), known.target)
        << known.set << " " << std::hex << known.word;
  }
}

TEST(InstructionSets, EncodeKnownInstructions) {
  for (const Known& known : kKnown) {
    const Template* t = Matching(SetNamed(known.set), known.word);
    ASSERT_NE(t, nullptr) << known.set << " " << std::hex << known.word;
    uint32_t field = 0;
    ASSERT_TRUE(FieldFor(*t, known.target, known.address, &field))
        << known.set << " " << std::hex << known.word;
    const uint32_t word = WordOf(*t, known.word).at[0];
    EXPECT_EQ(WithField(*t, {{word & ~FieldMask(*t).at[0], 0}}, field), word) << known.set;
  }
}

// Where a jump of MIPS goes is in the word but for the highest four bits, which opcode bits stand for.
TEST(InstructionSets, JumpsOfMipsStayInTheirSegment) {
  constexpr uint32_t kJal = 0x0c000000;
  for (const uint32_t segment : {0x00000000u, 0x80000000u, 0x90000000u, 0xb0000000u}) {
    const auto relocates = [&](const Template& t) {
      const Words before = {{kJal | 0x40 >> 2, 0}};
      uint32_t field = 0;
      return Target(t, Gather(t, before.at), segment, kOldSide) == segment + 0x40 &&
             FieldFor(t, segment + 0x80, segment, &field) &&
             WithField(t, before, field) == (kJal | 0x80 >> 2);
    };
    const std::vector<Template>& jumps = SetNamed("mips").calls;
    EXPECT_EQ(std::count_if(jumps.begin(), jumps.end(), relocates), 1) << std::hex << segment;
  }
}

// Single bits may be used more than once: those of an opcode, for bits of the address that are known.
void ExpectLongRunsApart(const Template& t) {
  uint32_t taken[kWords] = {};
  for (uint32_t i = 0; i <= t.last_run; ++i) {
    EXPECT_LE(t.run_shift[i] + t.run_last[i] % kInOther, 31u);
    if (RunOnes(t, i) == 1) continue;
    uint32_t& word = taken[t.run_last[i] / kInOther];
    EXPECT_EQ(word & RunOnes(t, i) << t.run_shift[i], 0u) << "runs overlap";
    word |= RunOnes(t, i) << t.run_shift[i];
  }
}

TEST(InstructionSets, TemplatesAreWellFormed) {
  for (const auto& [name, t] : AllTemplates()) {
    SCOPED_TRACE(name);
    const uint32_t all[kWords] = {WordMask(t), IsPair(t) ? 0xffffffff : 0};
    const Words field = FieldMask(t);
    uint32_t bits = 0;
    for (uint32_t i = 0; i <= t.last_run; ++i) bits += t.run_last[i] % kInOther + 1u;
    EXPECT_EQ(bits, FieldBits(t));
    for (uint32_t w = 0; w < kWords; ++w) {
      EXPECT_EQ(t.mask[w] & field.at[w], 0u) << "mask and field overlap";
      EXPECT_EQ(t.match[w] & ~t.mask[w], 0u) << "match outside the mask";
      EXPECT_EQ((t.mask[w] | field.at[w]) & ~all[w], 0u);
      EXPECT_EQ((uint32_t{t.tied_bits} << t.tied_shift[w]) & (t.mask[w] | field.at[w]), 0u);
    }
    EXPECT_NE(field.at[0], 0u);
    ExpectLongRunsApart(t);
    EXPECT_TRUE(t.order == kBigEndian || t.order == kLittleEndian);
    EXPECT_TRUE(t.align_mask == 0 || t.align_mask == 1 || t.align_mask == 3);
    EXPECT_TRUE(t.origin == 0 || t.origin == 1 || t.origin == 4);
    EXPECT_LE(t.sign_bit, t.last_bit);
    EXPECT_TRUE(t.twist == 0 || t.twist == kReversed || (t.twist == kInvertedBelow && t.last_bit >= 2));
  }
}

TEST(InstructionSets, TemplatesHaveNoMoreBitsThanAPatchHasForThem) {
  ASSERT_EQ(sizeof(Template), 56u);
  for (const auto& [name, t] : AllTemplates()) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&t);
    for (uint32_t i = 0; i < sizeof(kTemplateBits); ++i) {
      EXPECT_EQ(bytes[i] >> kTemplateBits[i], 0) << name << " byte " << i;
    }
  }
}

// What the two words of a pair are to each other.
bool AreOtherHalves(const Template& a, const Template& b) {
  return a.mask[0] == b.mask[1] && a.mask[1] == b.mask[0] && a.match[0] == b.match[1] &&
         a.match[1] == b.match[0] && Reach(a) == -Reach(b) && a.tied_bits == b.tied_bits &&
         a.tied_shift[0] == b.tied_shift[1] && a.tied_shift[1] == b.tied_shift[0] &&
         a.sign_bit == b.sign_bit && a.scale == b.scale && a.last_bit == b.last_bit;
}

TEST(InstructionSets, BothWordsOfAPairHaveATemplate) {
  for (const TemplateSet& set : TemplateSets()) {
    for (const Template& t : set.calls) EXPECT_FALSE(IsPair(t)) << set.name;
    for (const Template& t : set.others) {
      if (!IsPair(t)) continue;
      EXPECT_EQ(std::count_if(set.others.begin(), set.others.end(),
                              [&](const Template& other) { return AreOtherHalves(t, other); }),
                1)
          << set.name;
    }
  }
}

TEST(InstructionSets, HaveCallsOrPointers) {
  for (const TemplateSet& set : TemplateSets()) {
    EXPECT_LT(set.calls.size(), kMaxTemplates) << set.name;
    if (set.calls.empty()) {
      ASSERT_EQ(set.others.size(), 1u) << set.name;
      EXPECT_TRUE(IsShortPointer(set.others[0])) << set.name;
    }
  }
}

}  // namespace
}  // namespace libdelta
