// Template sets on programs of noise and calls: whatever the instruction set, its calls are found and
// predicted without being told which it is.
#include "libdelta/host/isa.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <optional>
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

constexpr size_t kInserted = 128;

// Two releases of a program, whose calls are those of a template; between them some code was inserted.
struct Releases {
  Bytes old_image;
  Bytes new_image;
  std::vector<Call> old_calls;
  size_t changed = 0;  // Calls that go elsewhere, or come from elsewhere.
};

Releases ReleasesWith(const Template& t) {
  constexpr size_t kSize = 48000;
  constexpr size_t kWhere = kSize / 2 / 64 * 64;
  Releases releases;
  Random random(7);
  std::vector<Call> calls;
  for (size_t at = 64; at + 64 < kSize; at += 24 + random() % 32) {
    at = (at + t.align_mask) & ~size_t{t.align_mask};
    // Within the reach of 16 bits, where a call has no more.
    const size_t target = random() % 700 * 64;
    const size_t distance = target > at ? target - at : at - target;
    if (t.origin == 0 || distance < (size_t{1} << std::min(t.bits + t.scale - 1, 30)) - 256)
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
  for (const char* name : {"tc32", "avr", "aarch64", "microblaze-be"}) {
    SCOPED_TRACE(name);
    const Releases releases = ReleasesWith(FindSet(name)->calls[0]);
    const size_t unexplained = PayloadOf(releases, kNoIsa).data.size();
    const Payload payload = PayloadOf(releases, kDiscoverIsa);
    EXPECT_LT(payload.data.size(), kInserted + releases.changed);
    EXPECT_LT(payload.data.size() * 2, unexplained);
    size_t read = 0;
    for (const Call& call : releases.old_calls) {
      const uint8_t* at = releases.old_image.data() + call.position;
      for (const Template& t : payload.plan.templates) {
        const uint32_t word = LoadWord(at, t.width, t.order);
        if ((word & t.mask) != t.match) continue;
        const uint32_t target = Target(t, Gather(t, word), static_cast<uint32_t>(call.position), kOldSide);
        if (call.target + 8 - target > 16) continue;  // Where exactly a field counts from does not show.
        ++read;
        break;
      }
    }
    EXPECT_GT(read * 10, releases.old_calls.size() * 9);
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

// Whether a template of the set reads `target` in the word at address 0.
bool Reads(const std::string& set, Bytes word, uint32_t target) {
  const size_t width = word.size();
  word.resize(8);
  const std::vector<Template>& calls = FindSet(set)->calls;
  std::vector<Template> all = FindSet(set)->others;
  all.insert(all.end(), calls.begin(), calls.end());
  return std::any_of(all.begin(), all.end(), [&](const Template& t) {
    const uint32_t loaded = LoadWord(word.data(), t.width, t.order);
    return t.width <= width && (loaded & t.mask) == t.match &&
           Target(t, Gather(t, loaded), 0, kOldSide) == target;
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
