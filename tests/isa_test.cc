// Template sets on programs of noise and calls: whatever the instruction set, its calls are found and
// predicted without being told which it is.
#include "libdelta/host/isa.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libdelta/host.h"
#include "libdelta/host/payload.h"
#include "libdelta/host/references.h"
#include "tests/support/patches.h"
#include "tests/support/random.h"

namespace libdelta::testing {
namespace {

struct Call {
  size_t position;
  size_t target;
};

// Noise in which each call is a word of the template `t`, in front of what follows it. It is where the
// template's calls can reach.
Bytes Program(const Template& t, Bytes noise, const std::vector<Call>& calls) {
  for (const Call& call : calls) {
    uint8_t* at = noise.data() + call.position;
    uint32_t field;
    const uint32_t base = t.base[kNewSide];
    if (!FieldFor(t, base + static_cast<uint32_t>(call.target), base + static_cast<uint32_t>(call.position),
                  &field)) {
      ADD_FAILURE() << "call from " << call.position << " to " << call.target;
      continue;
    }
    const uint32_t word = (LoadWord(at, Width(t), t.order) & ~t.mask[0]) | t.match[0];
    StoreWord(at, Width(t), t.order, WithField(t, {{word, 0}}, field));
  }
  return noise;
}

constexpr size_t kInserted = 128;

// Two releases of a program, whose calls are those of a template; between them some code was inserted.
struct Releases {
  Bytes old_image;
  Bytes new_image;
  std::vector<Call> old_calls;
  uint32_t base = 0;   // Address of both images.
  size_t changed = 0;  // Calls that go elsewhere, or come from elsewhere.
};

Releases ReleasesWith(const Template& t) {
  constexpr size_t kSize = 48000;
  constexpr size_t kWhere = kSize / 2 / 64 * 64;
  Releases releases;
  releases.base = t.base[kNewSide];
  Random random(7);
  std::vector<Call> calls;
  for (size_t at = 64; at + 64 < kSize; at += 24 + random() % 32) {
    at = (at + t.align_mask) & ~size_t{t.align_mask};
    // Within the reach of 16 bits, where a call has no more.
    const size_t target = random() % 700 * 64;
    const size_t distance = target > at ? target - at : at - target;
    if (t.origin == 0 || distance < (size_t{1} << std::min(t.last_bit + t.scale, 30)) - 256)
      calls.push_back({at, target});
  }
  releases.old_calls = calls;
  const Bytes noise = RandomBytes(kSize, 11);
  releases.old_image = Program(t, noise, calls);
  Bytes longer = noise;
  const Bytes inserted = RandomBytes(kInserted, 12);
  longer.insert(longer.begin() + kWhere, inserted.begin(), inserted.end());
  for (Call& call : calls) {
    const bool crosses = (call.position < kWhere) != (call.target < kWhere);
    releases.changed += t.origin == 0 ? call.target >= kWhere : crosses;
    if (call.position >= kWhere) call.position += kInserted;
    if (call.target >= kWhere) call.target += kInserted;
  }
  releases.new_image = Program(t, longer, calls);
  return releases;
}

Payload PayloadOf(const Releases& releases, const std::optional<std::string>& isa) {
  PayloadOptions options;
  options.arena = 60000;
  options.isa = isa;
  if (releases.base != 0) options.load_address = releases.base;
  return EncodePayload(releases.old_image, releases.new_image, options);
}

class KnownSet : public ::testing::TestWithParam<size_t> {};

TEST_P(KnownSet, IsChosenWhereItsCallsAre) {
  const TemplateSet& set = TemplateSets()[GetParam()];
  for (const Template& t : set.calls) {
    const Releases releases = ReleasesWith(t);
    const Payload payload = PayloadOf(releases, std::nullopt);
    EXPECT_GE(payload.plan.templates.size(), 1u);
    ASSERT_GT(releases.changed, 400u);
    EXPECT_LT(payload.data.size(), kInserted + releases.changed / 2) << releases.changed;
  }
}

// Calls of which nothing is known are found by how they change.
TEST(Discovery, FindsCallsUnaided) {
  for (const char* name : {"tc32", "avr", "aarch64", "microblaze-be", "ba2"}) {
    SCOPED_TRACE(name);
    const Releases releases = ReleasesWith(FindSet(name)->calls[0]);
    const size_t unexplained = PayloadOf(releases, kNoIsa).data.size();
    const Payload payload = PayloadOf(releases, kDiscoverIsa);
    EXPECT_LT(payload.data.size(), kInserted + releases.changed);
    EXPECT_LT(payload.data.size() * 2, unexplained);
    const auto reads = [&](const Template& t, const Call& call) {
      // Neither where a word begins nor where exactly a field counts from shows.
      for (size_t at = call.position - 3; at <= call.position; ++at) {
        Words words;
        if (!FindReference(t, releases.old_image, at, &words)) continue;
        const uint32_t target = Target(t, Gather(t, words.at), static_cast<uint32_t>(at), kOldSide);
        if (call.target + 8 - target <= 16) return true;
      }
      return false;
    };
    const std::vector<Template>& found = payload.plan.templates;
    const auto read =
        std::count_if(releases.old_calls.begin(), releases.old_calls.end(), [&](const Call& call) {
          return std::any_of(found.begin(), found.end(), [&](const Template& t) { return reads(t, call); });
        });
    EXPECT_GT(static_cast<size_t>(read) * 10, releases.old_calls.size() * 9);
  }
}

TEST(Discovery, FindsNothingWhereNothingIs) {
  const Bytes old_image = RandomBytes(40000, 21);
  Bytes new_image = old_image;
  Random random(22);
  for (size_t at = 100; at < new_image.size(); at += 40) new_image[at] = static_cast<uint8_t>(random());
  new_image.insert(new_image.begin() + 20000, 64, 0);
  PayloadOptions options;
  options.arena = 60000;
  EXPECT_TRUE(EncodePayload(old_image, new_image, options).plan.templates.empty());
}

TEST(Isa, IsTheOneAskedFor) {
  const Bytes old_image = RandomBytes(20000, 3);
  Bytes new_image = old_image;
  new_image.insert(new_image.begin() + 9000, 64, 0);
  EncodeOptions options;
  for (const std::string& name : InstructionSets()) {
    options.isa = name;
    EXPECT_TRUE(Encode(old_image, new_image, options).ok()) << name;
  }
  options.isa = "pdp11";
  EXPECT_FALSE(Encode(old_image, new_image, options).ok());
  EXPECT_EQ(FindSet("pdp11"), nullptr);
}

// --- Against an independent assembler ---------------------------------------------------------------

// What the assembler makes of one instruction.
Bytes Assemble(const std::string& machine, const std::string& instruction) {
  const std::string command =
      "printf '%s\\n' '" + instruction + "' | llvm-mc-14 --show-encoding " + machine + " 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  std::string text;
  char line[256];
  while (pipe && fgets(line, sizeof(line), pipe)) text += line;
  if (pipe) pclose(pipe);
  Bytes bytes;
  const size_t list = text.find("encoding: [");
  EXPECT_NE(list, std::string::npos) << command << "\n" << text;
  if (list == std::string::npos) return bytes;
  for (size_t at = list; text[at] != ']' && at < text.size(); ++at) {
    if (text.compare(at, 2, "0x") == 0)
      bytes.push_back(static_cast<uint8_t>(std::stoul(text.substr(at, 4), nullptr, 16)));
  }
  return bytes;
}

// What it reads in bytes: the last number of the last line.
int64_t Disassemble(const std::string& machine, const Bytes& bytes) {
  std::string hex;
  for (const uint8_t byte : bytes) hex += " " + std::to_string(byte);
  const std::string command = "echo '" + hex + "' | llvm-mc-14 --disassemble " + machine + " 2>&1 | tail -1";
  FILE* pipe = popen(command.c_str(), "r");
  std::string text;
  char line[256];
  while (pipe && fgets(line, sizeof(line), pipe)) text += line;
  if (pipe) pclose(pipe);
  size_t at = text.find_last_of("0123456789");
  EXPECT_NE(at, std::string::npos) << command << "\n" << text;
  if (at == std::string::npos) return -1;
  while (at > 0 && (isdigit(text[at - 1]) || text[at - 1] == '-')) --at;
  return std::stoll(text.substr(at));
}

std::vector<Template> AllOf(const std::string& set) {
  std::vector<Template> all = FindSet(set)->calls;
  const std::vector<Template>& others = FindSet(set)->others;
  all.insert(all.end(), others.begin(), others.end());
  return all;
}

// Whether a template of the set reads `target` in the word at address 0.
bool Reads(const std::string& set, const Bytes& word, uint32_t target) {
  const std::vector<Template> all = AllOf(set);
  return std::any_of(all.begin(), all.end(), [&](const Template& t) {
    Words words;
    return FindReference(t, word, 0, &words) && Target(t, Gather(t, words.at), 0, kOldSide) == target;
  });
}

struct Instruction {
  const char* set;
  const char* machine;
  const char* text;   // With %d where the operand goes.
  int64_t from, to;   // Operands, extremes of the range.
  int64_t from_zero;  // Target less operand, the instruction being at address 0.
};

TEST(Assembler, AgreesAboutTargets) {
  const std::vector<Instruction> instructions = {
      {"thumb", "--triple=thumbv7m", "bl #%d", -16777216, 16777214, 4},
      {"thumb", "--triple=thumbv7m", "b.w #%d", -16777216, 16777214, 4},
      {"thumb", "--triple=thumbv7m", "beq.w #%d", -1048576, 1048574, 4},
      {"thumb", "--triple=thumbv7m", "b #%d", -2048, 2046, 4},
      {"thumb", "--triple=thumbv7m", "cbz r1, #%d", 0, 126, 4},
      {"thumb", "--triple=thumbv7m", "ldr.w r1, [pc, #%d]", 0, 4095, 4},
      {"thumb", "--triple=thumbv7m", "ldr r1, [pc, #%d]", 0, 1020, 4},
      {"arm", "--triple=armv7", "bl #%d", -33554432, 33554428, 8},
      {"arm", "--triple=armv7", "beq #%d", -33554432, 33554428, 8},
      {"aarch64", "--triple=aarch64", "bl #%d", -134217728, 134217724, 0},
      {"aarch64", "--triple=aarch64", "b #%d", -134217728, 134217724, 0},
      {"aarch64", "--triple=aarch64", "b.ne #%d", -1048576, 1048572, 0},
      {"aarch64", "--triple=aarch64", "cbnz x3, #%d", -1048576, 1048572, 0},
      {"aarch64", "--triple=aarch64", "tbz w3, #5, #%d", -32768, 32764, 0},
      {"aarch64", "--triple=aarch64", "adr x3, #%d", -1048576, 1048575, 0},
      {"aarch64", "--triple=aarch64", "ldr x3, #%d", -1048576, 1048572, 0},
      {"riscv", "--triple=riscv32 -mattr=+c", "jal ra, %d", -1048576, 1048574, 0},
      {"riscv", "--triple=riscv32 -mattr=+c", "bne a0, a1, %d", -4096, 4094, 0},
      {"riscv", "--triple=riscv32 -mattr=+c", "c.j %d", -2048, 2046, 0},
      {"riscv", "--triple=riscv32 -mattr=+c", "c.jal %d", -2048, 2046, 0},
      {"riscv", "--triple=riscv32 -mattr=+c", "c.beqz a0, %d", -256, 254, 0},
      {"mips", "--triple=mips", "jal %d", 0, 268435452, 0},
      {"mips", "--triple=mips", "bal %d", -131072, 131068, 4},
      {"mips", "--triple=mips", "bne $4, $5, %d", -131072, 131068, 4},
      {"mipsel", "--triple=mipsel", "jal %d", 0, 268435452, 0},
      {"mipsel", "--triple=mipsel", "beq $4, $5, %d", -131072, 131068, 4},
      {"x86-64", "--triple=x86_64", "movq %d(%%rip), %%rax", -8388608, 8388607, 7},
  };
  for (const Instruction& in : instructions) {
    for (const int64_t operand : {in.from, in.to, (in.from + in.to) / 2 / 16 * 16 + 16}) {
      char text[64];
      snprintf(text, sizeof(text), in.text, static_cast<int>(operand));
      Bytes word = Assemble(in.machine, text);
      if (in.set == std::string("mips") || in.set == std::string("mipsel"))
        word.resize(4);  // Without the delay slot.
      if (in.set == std::string("x86-64")) word.erase(word.begin(), word.begin() + 2);  // Prefix and opcode.
      const int64_t before = in.set == std::string("x86-64") ? 2 : 0;
      EXPECT_TRUE(Reads(in.set, word, static_cast<uint32_t>(operand + in.from_zero - before))) << text;
    }
  }
}

// How the parts of an address are made of it.
struct Parts {
  int64_t upper;
  int64_t lower;
};

Parts Halves(uint32_t target, uint32_t) { return {target >> 16, target & 0xffff}; }

Parts Pages(uint32_t target, uint32_t address) {
  return {static_cast<int32_t>((target & ~0xfffu) - (address & ~0xfffu)), target & 0xfff};
}

// Lower parts have a sign, which the upper part makes up for.
Parts Carry16(uint32_t target, uint32_t) {
  return {(target + 0x8000) >> 16, static_cast<int16_t>(target & 0xffff)};
}

Parts Carry12(uint32_t target, uint32_t) {
  const int64_t lower = target & 0xfff;
  return {(target + 0x800) >> 12, lower < 0x800 ? lower : lower - 0x1000};
}

Parts RelativeCarry12(uint32_t target, uint32_t address) { return Carry12(target - address, 0); }

struct InstructionPair {
  const char* set;
  const char* machine;
  const char* upper;  // With %d where the operand goes.
  const char* lower;
  const char* stranger;  // The lower one, with another register.
  Parts (*split)(uint32_t target, uint32_t address);
  std::vector<int> distances;  // From the upper one to the lower one.
  uint32_t unit;               // Of targets.
};

const std::vector<InstructionPair>& InstructionPairs() {
  const char* const a64 = "--triple=aarch64";
  const char* const rv32 = "--triple=riscv32";
  const char* const big = "--triple=mips";
  const char* const little = "--triple=mipsel";
  const char* const adrp = "adrp x3, #%d";
  const char* const lui = "lui $4, %d";
  static const std::vector<InstructionPair> pairs = {
      {"thumb", "--triple=thumbv7m", "movt r9, #%d", "movw r9, #%d", "movw r8, #%d", Halves, {-4, -6, -8}, 1},
      {"arm", "--triple=armv7", "movt r9, #%d", "movw r9, #%d", "movw r8, #%d", Halves, {-4, -8}, 1},
      {"aarch64", a64, adrp, "add x3, x3, #%d", "add x3, x4, #%d", Pages, {4, 8}, 1},
      {"aarch64", a64, adrp, "add x20, x3, #%d", "add x20, x19, #%d", Pages, {4, 8}, 1},
      {"aarch64", a64, adrp, "ldr x5, [x3, #%d]", "ldr x5, [x2, #%d]", Pages, {4, 8}, 8},
      {"aarch64", a64, adrp, "str x5, [x3, #%d]", "str x3, [x5, #%d]", Pages, {4, 8}, 8},
      {"aarch64", a64, adrp, "ldr w5, [x3, #%d]", "ldr w5, [x7, #%d]", Pages, {4, 8}, 4},
      {"aarch64", a64, adrp, "str w5, [x3, #%d]", "str w5, [x1, #%d]", Pages, {4, 8}, 4},
      {"riscv", rv32, "auipc ra, %d", "jalr ra, %d(ra)", "jalr ra, %d(t1)", RelativeCarry12, {4}, 1},
      {"riscv", rv32, "auipc t1, %d", "jalr zero, %d(t1)", "jalr zero, %d(t2)", RelativeCarry12, {4}, 1},
      {"riscv", rv32, "auipc a5, %d", "addi a4, a5, %d", "addi a5, a4, %d", RelativeCarry12, {4}, 1},
      {"riscv", rv32, "auipc a5, %d", "lw a4, %d(a5)", "lw a5, %d(a4)", RelativeCarry12, {4}, 1},
      {"riscv", rv32, "lui a5, %d", "addi a4, a5, %d", "addi a5, a4, %d", Carry12, {4, 6, 8}, 1},
      {"riscv", rv32, "lui a5, %d", "lw a4, %d(a5)", "lw a5, %d(a4)", Carry12, {4, 6, 8}, 1},
      {"riscv", rv32, "lui a5, %d", "sw a4, %d(a5)", "sw a5, %d(a4)", Carry12, {4}, 1},
      {"mips", big, lui, "addiu $5, $4, %d", "addiu $4, $5, %d", Carry16, {4, 8}, 1},
      {"mips", big, lui, "lw $5, %d($4)", "lw $4, %d($5)", Carry16, {4, 8}, 1},
      {"mips", big, lui, "sw $5, %d($4)", "sw $4, %d($5)", Carry16, {4, 8}, 1},
      {"mips", big, lui, "sb $5, %d($4)", "sb $4, %d($5)", Carry16, {4, 8}, 1},
      {"mipsel", little, lui, "addiu $5, $4, %d", "addiu $4, $5, %d", Carry16, {4, 8}, 1},
      {"mipsel", little, lui, "lw $5, %d($4)", "lw $4, %d($5)", Carry16, {4, 8}, 1},
      {"mipsel", little, lui, "sh $5, %d($4)", "sh $4, %d($5)", Carry16, {4, 8}, 1},
  };
  return pairs;
}

Bytes AssembleWith(const char* machine, const char* text, int64_t operand) {
  char instruction[64];
  snprintf(instruction, sizeof(instruction), text, static_cast<int>(operand));
  static std::map<std::string, Bytes> known;
  Bytes& bytes = known[std::string(machine) + " " + instruction];
  if (bytes.empty()) bytes = Assemble(machine, instruction);
  return bytes;
}

constexpr uint32_t kPairAt = 16;
constexpr uint32_t kPairBase = 0x20fe8;  // The halves of a pair are in different pages.

// An image of two instructions, the first one at `at`.
Bytes PairImage(const InstructionPair& pair, const char* lower, int distance, uint32_t target) {
  const Parts parts = pair.split(target, kPairBase + kPairAt);
  const Bytes upper_word = AssembleWith(pair.machine, pair.upper, parts.upper);
  const Bytes lower_word = AssembleWith(pair.machine, lower, parts.lower);
  EXPECT_EQ(upper_word.size(), 4u);
  EXPECT_EQ(lower_word.size(), 4u);
  Bytes image(2 * kPairAt + 4, 0);
  std::copy(upper_word.begin(), upper_word.end(), image.begin() + kPairAt);
  std::copy(lower_word.begin(), lower_word.end(), image.begin() + kPairAt + distance);
  return image;
}

// The templates of the set that find a pair at `at`.
std::vector<Template> PairsAt(const char* set, const Bytes& image, uint32_t at) {
  std::vector<Template> found;
  Words words;
  for (const Template& t : AllOf(set)) {
    if (IsPair(t) && FindReference(t, image, at, &words)) found.push_back(t);
  }
  return found;
}

// What is in `before` refers to `old_target`; it becomes what is in `after`, which refers to `new_target`.
void ExpectRelocates(const Template& t, uint32_t at, const Bytes& before, uint32_t old_target,
                     const Bytes& after, uint32_t new_target) {
  const uint32_t address = kPairBase + at;
  EXPECT_EQ(address & t.align_mask, 0u);
  Words words;
  ASSERT_TRUE(FindReference(t, before, at, &words));
  EXPECT_EQ(Target(t, Gather(t, words.at), address, kOldSide), old_target);
  uint32_t field;
  ASSERT_TRUE(FieldFor(t, new_target, address, &field));
  EXPECT_EQ(WithField(t, words, field), LoadWord(after.data() + at, 4, t.order));
}

void ExpectPair(const InstructionPair& pair, int distance, uint32_t old_target, uint32_t new_target) {
  const Bytes before = PairImage(pair, pair.lower, distance, old_target);
  const Bytes after = PairImage(pair, pair.lower, distance, new_target);
  for (const uint32_t at : {kPairAt, kPairAt + static_cast<uint32_t>(distance)}) {
    const std::vector<Template> found = PairsAt(pair.set, before, at);
    ASSERT_EQ(found.size(), 1u);
    ExpectRelocates(found[0], at, before, old_target, after, new_target);
  }
}

TEST(Assembler, AgreesAboutPairs) {
  for (const InstructionPair& pair : InstructionPairs()) {
    SCOPED_TRACE(std::string(pair.set) + " " + pair.lower);
    for (const int distance : pair.distances) {
      SCOPED_TRACE(distance);
      // Lower parts on both sides of where they become negative. All on one side of the instructions: the
      // highest bit of ADRP does not change.
      for (const uint32_t target : {0x21000u, 0x217f8u, 0x21800u, 0x27ff8u, 0x28000u, 0x1234fff8u}) {
        ExpectPair(pair, distance, target, 0x45678u);
        ExpectPair(pair, distance, 0x45678u, target + pair.unit);
      }
      ExpectPair(pair, distance, 0x0fff8u, 0x1f800u);
    }
  }
}

TEST(Assembler, NoPairHasTwoRegisters) {
  for (const InstructionPair& pair : InstructionPairs()) {
    SCOPED_TRACE(std::string(pair.set) + " " + pair.stranger);
    for (const int distance : pair.distances) {
      const Bytes image = PairImage(pair, pair.stranger, distance, 0x45678);
      for (const uint32_t at : {kPairAt, kPairAt + static_cast<uint32_t>(distance)}) {
        EXPECT_TRUE(PairsAt(pair.set, image, at).empty());
      }
    }
  }
}

// Of processors that the assembler does not know, from the encodings in their manuals. Words are in the
// order of addresses.
struct KnownPair {
  const char* set;
  uint32_t words[2];
  uint32_t target;  // The first one being at kPairBase + kPairAt.
  uint32_t moved[2];
  uint32_t moved_target;
};

constexpr uint32_t kSecond = kPairBase + kPairAt + 4;  // Address.
constexpr KnownPair kKnownPairs[] = {
    // imm; brlid r15
    {"microblaze", {0xb0000001, 0xb9f48000}, kSecond + 0x18000, {0xb000ffff, 0xb9f4fff0}, kSecond - 16},
    // imm; addik r5, r0
    {"microblaze", {0xb0000801, 0x30a0fffc}, 0x0801fffc, {0xb0000802, 0x30a00004}, 0x08020004},
    // imm; lwi r3, r0
    {"microblaze", {0xb0000801, 0xe8608000}, 0x08018000, {0xb0000801, 0xe8607ff0}, 0x08017ff0},
    // imm; lbui r3, r0
    {"microblaze", {0xb0000801, 0xe0608000}, 0x08018000, {0xb0000801, 0xe0607ff0}, 0x08017ff0},
    // imm; swi r3, r0
    {"microblaze", {0xb0000801, 0xf8608000}, 0x08018000, {0xb0000801, 0xf8607ff0}, 0x08017ff0},
};

TEST(InstructionSets, ReadKnownPairs) {
  for (const KnownPair& known : kKnownPairs) {
    for (const std::string& set : {std::string(known.set), known.set + std::string("-be")}) {
      const uint32_t order = set == known.set ? kLittleEndian : kBigEndian;
      Bytes before(2 * kPairAt + 4);
      Bytes after(2 * kPairAt + 4);
      for (uint32_t i = 0; i < 2; ++i) {
        StoreWord(before.data() + kPairAt + 4 * i, order, known.words[i]);
        StoreWord(after.data() + kPairAt + 4 * i, order, known.moved[i]);
      }
      for (const uint32_t at : {kPairAt, kPairAt + 4}) {
        SCOPED_TRACE(set + " " + std::to_string(known.words[1]) + " at " + std::to_string(at));
        const std::vector<Template> found = PairsAt(set.c_str(), before, at);
        EXPECT_EQ(found.size(), 1u);
        if (found.empty()) continue;
        ExpectRelocates(found[0], at, before, known.target, after, known.moved_target);
      }
    }
  }
}

// Encodings of BA2, as published: what is 0 or 1, `D` for the bits of the distance, the lowest one first, and
// `-` for other operands.
TEST(InstructionSets, ReadKnownDistances) {
  const char* const encodings[] = {
      "010010DDDDDDDDDDDDDDDDDD",          // bn.jal
      "01000110DDDDDDDDDDDDDDDD",          // bn.j
      "01000001--------DDDDDDDD",          // bn.bnei
      "01000101--------DDDDDDDD",          // bn.bltsi
      "010001110010DDDDDDDDDDDD",          // bn.bf
      "000011DDDDDDDDDD",                  // bt.j
      "11010100DDDDDDDDDDDDDDDDDDDDDDDD",  // bg.jal
      "11010101DDDDDDDDDDDDDDDDDDDDDDDD",  // bg.j
      "11010111DDDDDDDDDDDDDDDDDDDDDDDD",  // bg.bnf
      "1101000001----------DDDDDDDDDDDD",  // bg.bnei
  };
  for (const std::string text : encodings) {
    const auto bits = std::count(text.begin(), text.end(), 'D');
    const int64_t far = int64_t{1} << (bits - 1);
    for (const int64_t distance : {-far, far - 1, int64_t{-1}, int64_t{1}, int64_t{86}, int64_t{-42}}) {
      Bytes bytes(text.size() / 8);
      int place = 0;
      for (size_t i = 0; i < text.size(); ++i) {
        const bool is_set = text[i] == 'D'   ? distance >> place++ & 1
                            : text[i] == '-' ? i & 1
                                             : text[i] == '1';
        if (is_set) bytes[i / 8] |= static_cast<uint8_t>(0x80u >> i % 8);
      }
      EXPECT_TRUE(Reads("ba2", bytes, static_cast<uint32_t>(distance))) << text << " " << distance;
    }
  }
}

// Calls that the assembler leaves to the linker, the other way round: it must read what we write.
TEST(Disassembler, AgreesAboutTargets) {
  struct Word {
    const char* set;
    const char* machine;
    Bytes bytes;
    int64_t from_operand;  // Target less what it prints, the instruction being at address 0.
  };
  const std::vector<Word> words = {
      {"x86", "--triple=i386", {0xe8, 0x34, 0x12, 0x05, 0x00}, 5},
      {"x86", "--triple=i386", {0xe8, 0x34, 0x12, 0xf5, 0xff}, 5},
      {"x86-64", "--triple=x86_64", {0xe9, 0x34, 0x12, 0x05, 0x00}, 5},
      {"avr", "--triple=avr -mcpu=atmega328", {0x0e, 0x94, 0x1a, 0x39}, 0},
      {"avr", "--triple=avr -mcpu=atmega328", {0x0c, 0x94, 0x1a, 0x09}, 0},
  };
  for (const Word& w : words) {
    const int64_t operand = Disassemble(w.machine, w.bytes);
    EXPECT_TRUE(Reads(w.set, w.bytes, static_cast<uint32_t>(operand + w.from_operand)))
        << w.set << " " << operand;
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
