// Reference templates: the arithmetic of wire/reference.h and the instruction sets of host/isa.h, checked
// against encodings from the architecture manuals (Thumb: also what arm-none-eabi-as makes of them).
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "libdelta/host/isa.h"
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

// The bits of a word that its bytes fill.
uint32_t WordMask(const Template& t) {
  return t.order == kBigEndian ? HighMask(8u * t.width) : LowMask(8u * t.width);
}

uint32_t FieldMask(const Template& t) {
  uint32_t mask = 0;
  for (uint32_t i = 0; i <= t.more_runs; ++i) mask |= LowMask(t.run_last[i] + 1u) << t.run_shift[i];
  return mask;
}

// Any template of use that the format can carry: disjoint runs in any order.
Template RandomTemplate(testing::Random& random) {
  Template t{};
  t.width = static_cast<uint8_t>(1 + random() % 4);
  t.order = random() % 2 ? kBigEndian : kLittleEndian;
  t.align_mask = static_cast<uint8_t>(random() % 4);
  t.flags = static_cast<uint8_t>(random() % 4);
  t.scale = static_cast<uint8_t>(random() % 8);
  t.bias = static_cast<uint8_t>(random() % 16);
  t.origin = static_cast<uint8_t>(random() % 8);
  const uint32_t lowest = t.order == kBigEndian ? 32 - 8u * t.width : 0;
  if (random() % 4 == 0) {
    t.base[kOldSide] = random();
    t.base[kNewSide] = random();
  }
  uint32_t taken = 0;
  uint32_t runs = 0;
  for (uint32_t tries = 0; tries < 12 && runs < kMaxRuns; ++tries) {
    const uint32_t shift = lowest + random() % (8u * t.width);
    const uint32_t length = 1 + random() % (lowest + 8u * t.width - shift);
    const uint32_t mask = LowMask(length) << shift;
    if (taken & mask) continue;
    taken |= mask;
    t.run_shift[runs] = static_cast<uint8_t>(shift);
    t.run_last[runs++] = static_cast<uint8_t>(length - 1);
    t.bits = static_cast<uint8_t>(t.bits + length);
  }
  t.more_runs = static_cast<uint8_t>(runs - 1);
  if (t.bits < 3) t.flags = static_cast<uint8_t>(t.flags & ~kInvertBelow);
  t.mask = WordMask(t) & ~taken;
  t.match = random() & t.mask;
  return t;
}

void ExpectFieldInverse(const Template& t, testing::Random& random) {
  const uint32_t word = random();
  const uint32_t field = random() & HighMask(t.bits);
  const uint32_t scattered = Scatter(t, word, field);
  EXPECT_EQ(Gather(t, scattered), field);
  EXPECT_EQ(scattered & ~FieldMask(t), word & ~FieldMask(t)) << "bits outside the field must stay";
  EXPECT_EQ(Scatter(t, word, Gather(t, word)), word);
  uint32_t exchanged = word;
  EXPECT_EQ(Exchange(t, &exchanged, field), Gather(t, word));
  EXPECT_EQ(exchanged, scattered);
}

TEST(Reference, ScatterInvertsGather) {
  testing::Random random(1);
  for (int i = 0; i < 20000; ++i) {
    ExpectFieldInverse(RandomTemplate(random), random);
    if (HasFailure()) return;
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

// A field whose target is asked for again is that field, unless scaling lost bits of the target. `field` is
// a number, not moved to the high end yet.
void ExpectTargetInverse(const NamedTemplate& named, uint32_t field, uint32_t address) {
  const Template& t = named.t;
  const uint32_t target = Target(t, field << (32u - t.bits), address, kNewSide);
  uint32_t again = 0;
  const uint32_t extended =
      (t.flags & kSigned) && (field >> (t.bits - 1) & 1) ? field | ~LowMask(t.bits) : field;
  const uint32_t distance = extended << t.scale;
  const uint32_t origin = (t.origin == 0 ? 0 : (address + t.bias) & (0u - t.origin)) + t.base[kNewSide];
  ASSERT_EQ(target, origin + distance) << named.name << " field " << field << " at " << address;
  const bool kept = (t.flags & kSigned)
                        ? static_cast<int32_t>(distance) >> t.scale == static_cast<int32_t>(extended)
                        : distance >> t.scale == extended;
  const bool fits = FieldFor(t, target, address, &again);
  if (kept) {
    ASSERT_TRUE(fits) << named.name << " field " << field << " at " << address;
    // Fields with bits to spare may have others that mean the same.
    if (t.bits + t.scale <= 32u) {
      ASSERT_EQ(again, field << (32u - t.bits)) << named.name << " at " << address;
    }
  }
  if (fits) {
    ASSERT_EQ(Target(t, again, address, kNewSide), target) << named.name;
  }
  // Images differ in nothing but the base.
  ASSERT_EQ(Target(t, again, address, kOldSide) - t.base[kOldSide],
            Target(t, again, address, kNewSide) - t.base[kNewSide]);
}

void ExpectTargetsInverse(const NamedTemplate& named, testing::Random& random) {
  const uint32_t top = LowMask(named.t.bits);
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
    if (named.t.bits > 12) continue;
    for (uint32_t field = 0; field <= LowMask(named.t.bits); ++field) {
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
    ASSERT_EQ(field & ~HighMask(t.bits), 0u);
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
uint32_t WordOf(const Template& t, uint32_t number) {
  return t.order == kBigEndian ? number << (32 - 8 * t.width) : number;
}

// The first template of the set that the word matches; width decides between 2- and 4-byte forms.
const Template* Matching(const TemplateSet& set, uint32_t word) {
  for (const auto* group : {&set.calls, &set.others}) {
    for (const Template& t : *group) {
      const bool fits = (word & ~LowMask(8u * t.width)) == 0 && (t.width == 2) == (word <= 0xffff);
      if (fits && (WordOf(t, word) & t.mask) == t.match) return &t;
    }
  }
  return nullptr;
}

TEST(InstructionSets, DecodeKnownInstructions) {
  for (const Known& known : kKnown) {
    const Template* t = Matching(SetNamed(known.set), known.word);
    ASSERT_NE(t, nullptr) << known.set << " " << std::hex << known.word;
    EXPECT_EQ(Target(*t, Gather(*t, WordOf(*t, known.word)), known.address, kOldSide), known.target)
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
    const uint32_t word = WordOf(*t, known.word);
    EXPECT_EQ(Scatter(*t, word & ~FieldMask(*t), field), word) << known.set;
  }
}

TEST(InstructionSets, TemplatesAreWellFormed) {
  for (const auto& [name, t] : AllTemplates()) {
    SCOPED_TRACE(name);
    const uint32_t all = WordMask(t);
    EXPECT_GE(t.width, 1);
    EXPECT_LE(t.width, 4);
    EXPECT_LT(t.more_runs, kMaxRuns);
    EXPECT_EQ(t.mask & FieldMask(t), 0u) << "mask and field overlap";
    EXPECT_EQ(t.match & ~t.mask, 0u) << "match outside the mask";
    EXPECT_EQ(t.mask & ~all, 0u);
    EXPECT_EQ(FieldMask(t) & ~all, 0u);
    // Single bits may be used more than once: those of an opcode, for bits of the address that are known.
    uint32_t long_runs = 0;
    for (uint32_t i = 0; i <= t.more_runs; ++i) {
      if (t.run_last[i] == 0) continue;
      EXPECT_EQ(long_runs & RunOnes(t, i) << t.run_shift[i], 0u) << "runs overlap";
      long_runs |= RunOnes(t, i) << t.run_shift[i];
    }
    EXPECT_LE(static_cast<uint32_t>(__builtin_popcount(FieldMask(t))), t.bits);
    EXPECT_TRUE(t.order == kBigEndian || t.order == kLittleEndian);
    EXPECT_TRUE(t.align_mask == 0 || t.align_mask == 1 || t.align_mask == 3);
    EXPECT_LE(t.scale, 7);
    EXPECT_LE(t.bias, 15u);
    EXPECT_LE(t.flags, 3);
    EXPECT_TRUE(t.origin == 0 || t.origin == 1 || t.origin == 4);
    EXPECT_TRUE(t.origin != 0 || t.bias == 0);
    for (uint32_t i = 0; i <= t.more_runs; ++i) EXPECT_LE(t.run_shift[i] + t.run_last[i], 31);
    EXPECT_TRUE(!(t.flags & kInvertBelow) || t.bits >= 3);
  }
}

TEST(InstructionSets, FitInAPatchTogetherWithAPointer) {
  for (const TemplateSet& set : TemplateSets()) {
    EXPECT_FALSE(set.calls.empty()) << set.name;
    EXPECT_LE(set.calls.size() + set.others.size() + 1, kMaxTemplates) << set.name;
  }
}

}  // namespace
}  // namespace libdelta
