#include "libdelta/host/isa.h"

#include <algorithm>

#include "libdelta/host/references.h"

namespace libdelta {
namespace {

// How templates are written here; see the fields of Template for what becomes of it.
constexpr uint8_t kSigned = 1;
constexpr uint8_t kInverted = 2;  // J1 and J2.
constexpr uint8_t kRelative = 4;
constexpr uint8_t kAlignedPc = 8;
constexpr uint8_t kBig = 16;
constexpr uint8_t kLowFirst = 32;  // Bits of the field.

constexpr uint8_t kBranch = kRelative | kSigned;

Template Make(uint8_t width, uint8_t align_log2, uint8_t traits, uint8_t scale, uint8_t bias, uint32_t mask,
              uint32_t match, const std::vector<Run>& runs) {
  Template t{};
  t.last_byte = static_cast<uint8_t>(width - 1);
  t.order = (traits & kBig) ? kBigEndian : kLittleEndian;
  t.align_mask = static_cast<uint8_t>((1u << align_log2) - 1);
  t.twist = (traits & kInverted) ? kInvertedBelow : (traits & kLowFirst) ? kReversed : 0;
  t.origin = !(traits & kRelative) ? 0 : (traits & kAlignedPc) ? 4 : 1;
  t.scale = scale;
  t.bias = static_cast<int8_t>(bias);
  // Big-endian words fill the upper end of 32 bits.
  const uint32_t unused = (traits & kBig) ? 32u - 8u * width : 0;
  t.mask[0] = mask << unused;
  t.match[0] = match << unused;
  SetRuns(runs, unused, &t);
  if (traits & kSigned) t.sign_bit = t.last_bit;
  return t;
}

// An instruction that has a part of an address, and the register that the two have in common.
struct Part {
  uint32_t mask;
  uint32_t match;
  std::vector<Run> runs;
  uint8_t register_shift;
};

// What the two parts of an address have in common.
struct PairTraits {
  uint8_t align_log2;
  uint8_t traits;
  uint8_t register_bits;  // How many name it; 0: none does.
  uint8_t sign_bit;       // 0, or the one of the lower part.
  uint8_t origin_shift;   // As in a template.
  int8_t bias;            // From the instruction with the upper part.
};

// Pairs of instructions. Their templates cost least if those for the upper parts come first, then the others.
class Pairs {
 public:
  explicit Pairs(const PairTraits& traits) : traits_(traits) {}

  // The lower part comes `distance` bytes after the upper one. Fields count units of 1 << scale bytes.
  void Add(int distance, const Part& upper, const Part& lower, uint8_t scale = 0) {
    const auto runs = [&](uint8_t upper_word) {
      std::vector<Run> all;
      for (const Run& run : upper.runs) all.push_back({run.shift, run.length, upper_word});
      for (const Run& run : lower.runs) {
        all.push_back({run.shift, run.length, static_cast<uint8_t>(1 - upper_word)});
      }
      return all;
    };
    upper_.push_back(Form(upper, lower, distance, scale, runs(0)));
    lower_.push_back(Form(lower, upper, -distance, scale, runs(1)));
    lower_.back().bias = static_cast<int8_t>(traits_.bias - distance);
  }

  void AppendTo(std::vector<Template>* templates) const {
    templates->insert(templates->end(), upper_.begin(), upper_.end());
    templates->insert(templates->end(), lower_.begin(), lower_.end());
  }

 private:
  Template Form(const Part& own, const Part& other, int reach, uint8_t scale,
                const std::vector<Run>& runs) const {
    Template t = Make(4, traits_.align_log2, traits_.traits, scale, static_cast<uint8_t>(traits_.bias),
                      own.mask, own.match, runs);
    t.sign_bit = traits_.sign_bit;
    t.origin_shift = traits_.origin_shift;
    t.reach = static_cast<uint8_t>(reach > 0 ? reach / 2 - 1 : reach / 2 + 8);
    t.tied_bits = static_cast<uint8_t>((1u << traits_.register_bits) - 1);
    t.tied_shift[0] = own.register_shift;
    t.tied_shift[1] = other.register_shift;
    t.mask[1] = other.mask;
    t.match[1] = other.match;
    return t;
  }

  const PairTraits traits_;
  std::vector<Template> upper_;
  std::vector<Template> lower_;
};

// Arm Architecture Reference Manual, Thumb encodings; words are two little-endian halfwords, first one low.
TemplateSet Thumb() {
  const std::vector<Run> wide = {{10, 1}, {29, 1}, {27, 1}, {0, 10}, {16, 11}};
  TemplateSet set = {
      "thumb",
      {
          Make(4, 1, kBranch | kInverted, 1, 4, 0xd000f800, 0xd000f000, wide),  // BL (T1)
      },
      {
          Make(4, 1, kBranch | kInverted, 1, 4, 0xd000f800, 0x9000f000, wide),  // B.W (T4)
          Make(4, 1, kBranch, 1, 4, 0xd000f800, 0x8000f000,                     // B<c>.W (T3)
               {{10, 1}, {27, 1}, {29, 1}, {0, 6}, {16, 11}}),
          Make(4, 1, kRelative | kAlignedPc, 0, 4, 0x0000ffff, 0x0000f8df, {{16, 12}}),  // LDR.W literal
          Make(2, 1, kRelative | kAlignedPc, 2, 4, 0xf800, 0x4800, {{0, 8}}),            // LDR literal
          Make(2, 1, kRelative | kAlignedPc, 2, 4, 0xf800, 0xa000, {{0, 8}}),            // ADR
          Make(2, 1, kBranch, 1, 4, 0xf800, 0xe000, {{0, 11}}),                          // B (T2)
          Make(2, 1, kBranch, 1, 4, 0xf000, 0xd000, {{0, 8}}),                           // B<c> (T1)
          Make(2, 1, kRelative, 1, 4, 0xf500, 0xb100, {{9, 1}, {3, 5}}),                 // CBZ, CBNZ
      }};
  // MOVW, then MOVT of the same register.
  constexpr PairTraits kMoves = {1, 0, 4, 0, 0, 0};
  const std::vector<Run> half = {{0, 4}, {10, 1}, {28, 3}, {16, 8}};
  const Part movt = {0x8000fbf0, 0x0000f2c0, half, 24};
  const Part movw = {0x8000fbf0, 0x0000f240, half, 24};
  Pairs moves(kMoves);
  for (const int distance : {4, 6, 8}) moves.Add(-distance, movt, movw);
  moves.AppendTo(&set.others);
  return set;
}

// Telink TC32: Thumb's instructions under other opcodes; the call is the two-halfword form of ARMv4T.
TemplateSet Tc32() {
  return {"tc32",
          {Make(4, 1, kBranch, 1, 4, 0xf800f800, 0x98009000, {{0, 11}, {16, 11}})},
          {
              Make(2, 1, kRelative | kAlignedPc, 2, 4, 0xf800, 0x0800, {{0, 8}}),
              Make(2, 1, kBranch, 1, 4, 0xf800, 0x8000, {{0, 11}}),
              Make(2, 1, kBranch, 1, 4, 0xf000, 0xc000, {{0, 8}}),
          }};
}

// Arm Architecture Reference Manual, A32 encodings: BL, then any conditional branch.
TemplateSet A32() {
  TemplateSet set = {"arm",
                     {Make(4, 2, kBranch, 2, 8, 0xff000000, 0xeb000000, {{0, 24}})},
                     {Make(4, 2, kBranch, 2, 8, 0x0f000000, 0x0a000000, {{0, 24}})}};
  // MOVW, then MOVT of the same register.
  constexpr PairTraits kMoves = {2, 0, 4, 0, 0, 0};
  const std::vector<Run> half = {{16, 4}, {0, 12}};
  const Part movt = {0x0ff00000, 0x03400000, half, 12};
  const Part movw = {0x0ff00000, 0x03000000, half, 12};
  Pairs moves(kMoves);
  for (const int distance : {4, 8}) moves.Add(-distance, movt, movw);
  moves.AppendTo(&set.others);
  return set;
}

// ADRP and what adds the offset in the page. Of what makes 33 bits the highest is left out: it does not
// change.
Pairs Pages() {
  Pairs pages({2, kRelative, 5, 0, 12, 0});
  const Part adrp = {0x9f000000, 0x90000000, {{5, 18}, {29, 2}}, 0};
  const Part add = {0xffc00000, 0x91000000, {{10, 12}}, 5};
  const Part word = {0xffb00000, 0xb9000000, {{10, 10}}, 5};
  const Part pointer = {0xffb80000, 0xf9000000, {{10, 9}}, 5};
  for (const int distance : {4, 8}) {
    pages.Add(distance, adrp, add);
    pages.Add(distance, adrp, pointer, 3);
    pages.Add(distance, adrp, word, 2);
  }
  return pages;
}

// Arm Architecture Reference Manual, A64 encodings.
TemplateSet AArch64() {
  TemplateSet set = {"aarch64",
                     {Make(4, 2, kBranch, 2, 0, 0xfc000000, 0x94000000, {{0, 26}})},  // BL
                     {
                         Make(4, 2, kBranch, 2, 0, 0xfc000000, 0x14000000, {{0, 26}}),           // B
                         Make(4, 2, kBranch, 2, 0, 0xff000010, 0x54000000, {{5, 19}}),           // B.cond
                         Make(4, 2, kBranch, 2, 0, 0x7e000000, 0x34000000, {{5, 19}}),           // CBZ, CBNZ
                         Make(4, 2, kBranch, 2, 0, 0x7e000000, 0x36000000, {{5, 14}}),           // TBZ, TBNZ
                         Make(4, 2, kBranch, 0, 0, 0x9f000000, 0x10000000, {{5, 19}, {29, 2}}),  // ADR
                         Make(4, 2, kBranch, 2, 0, 0x3b000000, 0x18000000, {{5, 19}}),  // LDR literal
                     }};
  Pages().AppendTo(&set.others);
  return set;
}

// RISC-V Unprivileged ISA, J, B, CJ and CB formats.
TemplateSet RiscV() {
  const std::vector<Run> cj = {{12, 1}, {8, 1}, {9, 2}, {6, 1}, {7, 1}, {2, 1}, {11, 1}, {3, 3}};
  TemplateSet set = {
      "riscv",
      {Make(4, 1, kBranch, 1, 0, 0x0000007f, 0x0000006f, {{31, 1}, {12, 8}, {20, 1}, {21, 10}})},  // JAL
      {
          Make(4, 1, kBranch, 1, 0, 0x0000007f, 0x00000063, {{31, 1}, {7, 1}, {25, 6}, {8, 4}}),  // branches
          Make(2, 1, kBranch, 1, 0, 0xe003, 0xa001, cj),                                          // C.J
          Make(2, 1, kBranch, 1, 0, 0xe003, 0x2001, cj),                                          // C.JAL
          Make(2, 1, kBranch, 1, 0, 0xc003, 0xc001, {{12, 1}, {5, 2}, {2, 1}, {10, 2}, {3, 2}}),  // C.BEQZ
      }};
  const Part auipc = {0x7f, 0x17, {{12, 20}}, 7};
  const Part lui = {0x7f, 0x37, {{12, 20}}, 7};
  const Part jalr = {0x707f, 0x67, {{20, 12}}, 15};
  const Part load = {0x6f, 0x03, {{20, 12}}, 15};  // Or ADDI.
  const Part store = {0x7f, 0x23, {{25, 7}, {7, 5}}, 15};
  Pairs relative({1, kRelative, 5, 11, 0, 0});
  relative.Add(4, auipc, jalr);
  relative.Add(4, auipc, load);
  relative.AppendTo(&set.others);
  Pairs absolute({1, 0, 5, 11, 0, 0});
  for (const int distance : {4, 6, 8}) absolute.Add(distance, lui, load);
  absolute.Add(4, lui, store);
  absolute.AppendTo(&set.others);
  return set;
}

// Xtensa ISA Reference Manual. Opcodes have four bits, so there are words everywhere that look like one;
// hence each kind of call on its own, and loads from near before those from anywhere.
TemplateSet XtensaLittle() {
  const auto call = [](uint32_t n) {
    return Make(3, 0, kBranch | kAlignedPc, 2, 4, 0x00003f, 0x000005 | n << 4, {{6, 18}});
  };
  const auto load = [](uint8_t bits) {
    const uint32_t near = 0xffffffu << (8 + bits) & 0xffffffu;
    return Make(3, 0, kBranch | kAlignedPc, 2, 3, 0x00000f | near, 0x000001 | near, {{8, bits}});
  };
  return {"xtensa",
          {call(0), call(2)},
          {
              call(1), call(3), load(11), load(13), load(15),
              Make(3, 0, kBranch, 0, 4, 0x00003f, 0x000006, {{6, 18}}),   // J
              Make(3, 0, kBranch, 0, 4, 0x00003f, 0x000016, {{12, 12}}),  // BEQZ, BNEZ ...
              Make(3, 0, kBranch, 0, 4, 0x00000f, 0x000007, {{16, 8}}),   // RRI8 branches
          }};
}

TemplateSet XtensaBig() {
  const auto call = [](uint32_t n) {
    return Make(3, 0, kBranch | kAlignedPc | kBig, 2, 4, 0xfc0000, 0x500000 | n << 18, {{0, 18}});
  };
  const auto load = [](uint8_t bits) {
    const uint32_t near = 0xffffu << bits & 0xffffu;
    return Make(3, 0, kBranch | kAlignedPc | kBig, 2, 3, 0xf00000 | near, 0x100000 | near, {{0, bits}});
  };
  return {"xtensa-be",
          {call(0), call(2)},
          {
              call(1), call(3), load(11), load(13), load(15),
              Make(3, 0, kBranch | kBig, 0, 4, 0xfc0000, 0x600000, {{0, 18}}),  // J
              Make(3, 0, kBranch | kBig, 0, 4, 0xfc0000, 0x640000, {{0, 12}}),  // BEQZ, BNEZ ...
              Make(3, 0, kBranch | kBig, 0, 4, 0xf00000, 0x700000, {{0, 8}}),   // RRI8 branches
          }};
}

// AVR Instruction Set Manual. Program and data addresses both count from 0, so those of data take bits of the
// opcode, 1001, as their highest four. That also checks these bits: nothing else is in the RAM map.
TemplateSet Avr() {
  return {"avr",
          {Make(4, 1, 0, 1, 0, 0x0000fe0e, 0x0000940e, {{4, 5}, {0, 1}, {16, 16}})},  // CALL
          {
              Make(4, 1, 0, 1, 0, 0x0000fe0e, 0x0000940c, {{4, 5}, {0, 1}, {16, 16}}),  // JMP
              Make(2, 1, kBranch, 1, 2, 0xe000, 0xc000, {{0, 12}}),                     // RCALL, RJMP
              Make(2, 1, kBranch, 1, 2, 0xf800, 0xf000, {{3, 7}}),                      // BRBS, BRBC
              Make(4, 1, 0, 4, 0, 0x00000c0f, 0x00000000, {{12, 4}, {16, 16}}),         // LDS, STS
              Make(4, 1, 0, 4, 0, 0xc0106010, 0xc0106000,                               // LDI even, LDI odd
                   {{15, 1}, {12, 1}, {28, 1}, {29, 1}, {24, 4}, {16, 4}, {8, 4}, {0, 4}}),
              Make(4, 1, 0, 0, 0, 0xf010f010, 0xe010e000, {{24, 4}, {16, 4}, {8, 4}, {0, 4}}),
          }};
}

// MCS 51 instruction set: absolute addresses, and those in the same 2 KiB as the next instruction.
TemplateSet I8051() {
  const auto page = [](uint16_t opcode) {
    Template t = Make(2, 0, kRelative | kBig, 0, 2, 0x1f00, opcode, {{13, 3}, {0, 8}});
    t.origin_shift = 11;
    return t;
  };
  return {"8051",
          {Make(3, 0, kBig, 0, 0, 0xff0000, 0x120000, {{0, 16}})},  // LCALL
          {
              Make(3, 0, kBig, 0, 0, 0xff0000, 0x020000, {{0, 16}}),  // LJMP
              Make(3, 0, kBig, 0, 0, 0xff0000, 0x900000, {{0, 16}}),  // MOV DPTR
              page(0x1100),                                           // ACALL
              page(0x0100),                                           // AJMP
          }};
}

// Beyond Semiconductor BA2, as Jennic and NXP have it (JN51xx): instructions of 2, 3, 4 and 6 bytes, whose
// distances have their lowest bit first.
TemplateSet Ba2() {
  constexpr uint8_t kDistance = kBranch | kBig | kLowFirst;
  return {"ba2",
          {Make(3, 0, kDistance, 0, 0, 0xfc0000, 0x480000, {{0, 18}})},  // bn.jal
          {
              Make(4, 0, kDistance, 0, 0, 0xff000000, 0xd4000000, {{0, 24}}),  // bg.jal
              Make(3, 0, kDistance, 0, 0, 0xff0000, 0x460000, {{0, 16}}),      // bn.j
              Make(3, 0, kDistance, 0, 0, 0xfc0000, 0x400000, {{0, 8}}),       // bn.beqi .. bn.bgtsi
              Make(3, 0, kDistance, 0, 0, 0xfe0000, 0x440000, {{0, 8}}),       // bn.blesi, bn.bltsi
              Make(3, 0, kDistance, 0, 0, 0xffe000, 0x472000, {{0, 12}}),      // bn.bf, bn.bnf
              Make(4, 0, kDistance, 0, 0, 0xf8000000, 0xd0000000, {{0, 12}}),  // bg.beqi ..
              Make(4, 0, kDistance, 0, 0, 0xff000000, 0xd5000000, {{0, 24}}),  // bg.j
              Make(4, 0, kDistance, 0, 0, 0xfe000000, 0xd6000000, {{0, 24}}),  // bg.bf, bg.bnf
              Make(2, 0, kDistance, 0, 0, 0xfc00, 0x0c00, {{0, 10}}),          // bt.j
          }};
}

// MIPS Architecture For Programmers. Jumps stay in 256 MiB; which ones is not in the word.
TemplateSet Mips(const std::string& name, uint8_t order) {
  const auto jump = [order](uint32_t segment) {
    Template t = Make(4, 2, order, 2, 0, 0xf8000000, 0x08000000, {{0, 26}});
    t.base[kOldSide] = t.base[kNewSide] = segment << 28;
    return t;
  };
  TemplateSet set = {name,
                     {jump(0x0), jump(0x8), jump(0x9), jump(0xb)},
                     {
                         Make(4, 2, kBranch | order, 2, 4, 0xffff0000, 0x04110000, {{0, 16}}),  // BAL
                         Make(4, 2, kBranch | order, 2, 4, 0xf8000000, 0x10000000, {{0, 16}}),  // BEQ, BNE
                     }};
  const Part lui = {0xffe00000, 0x3c000000, {{0, 16}}, 16};
  const Part addiu = {0xfc000000, 0x24000000, {{0, 16}}, 21};
  const Part access = {0xc0000000, 0x80000000, {{0, 16}}, 21};  // Loads and stores.
  Pairs absolute({2, order, 5, 15, 0, 0});
  for (const int distance : {4, 8}) {
    absolute.Add(distance, lui, addiu);
    absolute.Add(distance, lui, access);
  }
  absolute.AppendTo(&set.others);
  return set;
}

// MicroBlaze Processor Reference Guide: BRLID r15, then unconditional and conditional branches.
TemplateSet MicroBlaze(const std::string& name, uint8_t order) {
  TemplateSet set = {name,
                     {Make(4, 2, kBranch | order, 0, 0, 0xffff0000, 0xb9f40000, {{0, 16}})},
                     {
                         Make(4, 2, kBranch | order, 0, 0, 0xffef0000, 0xb8000000, {{0, 16}}),
                         Make(4, 2, kBranch | order, 0, 0, 0xfc000000, 0xbc000000, {{0, 16}}),
                     }};
  // IMM has the upper half of what the next instruction needs.
  const Part imm = {0xffff0000, 0xb0000000, {{0, 16}}, 0};
  const Part call = {0xffff0000, 0xb9f40000, {{0, 16}}, 0};
  const Part add = {0xfc000000, 0x30000000, {{0, 16}}, 0};     // ADDIK
  const Part access = {0xe0000000, 0xe0000000, {{0, 16}}, 0};  // Loads and stores.
  Pairs relative({2, static_cast<uint8_t>(kRelative | order), 0, 0, 0, 4});
  relative.Add(4, imm, call);
  relative.AppendTo(&set.others);
  Pairs absolute({2, order, 0, 0, 0, 0});
  absolute.Add(4, imm, add);
  absolute.Add(4, imm, access);
  absolute.AppendTo(&set.others);
  return set;
}

// Intel 64 and IA-32 Software Developer's Manual: 24 bits of a rel32; the rest are copies of the sign.
TemplateSet X86(const std::string& name, bool wide) {
  std::vector<Template> others = {
      Make(4, 0, kBranch, 0, 5, 0x000000ff, 0x000000e9, {{8, 24}}),  // JMP
      Make(4, 0, kBranch, 0, 5, 0x000000f0, 0x00000080, {{8, 24}}),  // Jcc, its second byte
  };
  // Relative to RIP: ModRM and displacement.
  if (wide) others.push_back(Make(4, 0, kBranch, 0, 5, 0x000000c7, 0x00000005, {{8, 24}}));
  return {name, {Make(4, 0, kBranch, 0, 5, 0x000000ff, 0x000000e8, {{8, 24}})}, others};
}

// Processors with short addresses. Nearly any bytes look like such a pointer, so who has them must say so.
TemplateSet ShortPointers(uint8_t width, bool big_endian) {
  const uint8_t order = big_endian ? kBig : uint8_t{0};
  const std::vector<Run> all = {{0, static_cast<uint8_t>(8 * width)}};
  return {"pointers-" + std::to_string(width) + (big_endian ? "-be" : ""),
          {},
          {Make(width, 0, order, 0, 0, 0, 0, all)}};
}

constexpr size_t kPerTarget = 12;

struct Fingerprint {
  uint64_t references = 0;
  uint64_t recurring =
      0;  // Those whose target is referred to at least three times; at most kPerTarget of each.
};

Fingerprint Measure(ByteView image, const Template& t) {
  std::vector<uint32_t> targets;
  const size_t step = size_t{t.align_mask} + 1;
  for (size_t i = 0; i < image.size(); i += step) {
    Words words;
    if (!FindReference(t, image, i, &words)) continue;
    const uint32_t target = Target(t, Gather(t, words.at), static_cast<uint32_t>(i), kOldSide);
    if (target < image.size()) targets.push_back(target);
  }
  std::sort(targets.begin(), targets.end());
  Fingerprint print;
  print.references = targets.size();
  for (size_t i = 0; i < targets.size();) {
    size_t end = i;
    while (end < targets.size() && targets[end] == targets[i]) ++end;
    if (end - i >= 3) print.recurring += std::min(end - i, kPerTarget);
    if (end - i > kPerTarget) print.references -= end - i - kPerTarget;
    i = end;
  }
  return print;
}

}  // namespace

const std::vector<TemplateSet>& TemplateSets() {
  static const std::vector<TemplateSet> sets = {
      Thumb(),
      Tc32(),
      A32(),
      AArch64(),
      RiscV(),
      XtensaLittle(),
      XtensaBig(),
      Avr(),
      I8051(),
      Ba2(),
      Mips("mips", kBig),
      Mips("mipsel", 0),
      MicroBlaze("microblaze", 0),
      MicroBlaze("microblaze-be", kBig),
      X86("x86", false),
      X86("x86-64", true),
      ShortPointers(2, false),
      ShortPointers(2, true),
      ShortPointers(3, false),
      ShortPointers(3, true),
  };
  return sets;
}

const TemplateSet* FindSet(const std::string& name) {
  for (const TemplateSet& set : TemplateSets()) {
    if (set.name == name) return &set;
  }
  return nullptr;
}

Template PointerTemplate(bool big_endian) {
  return Make(4, 2, big_endian ? kBig : uint8_t{0}, 0, 0, 0, 0, {{0, 32}});
}

std::vector<Template> DataTemplates() {
  return {
      Make(4, 2, kBranch, 0, 0, 0x80000000, 0, {{0, 31}}),  // PREL31 of Arm exception tables.
      Make(4, 2, kBranch, 0, 0, 0, 0, {{0, 32}}),           // Distances.
      Make(4, 2, kBranch | kBig, 0, 0, 0, 0, {{0, 32}}),   PointerTemplate(true), PointerTemplate(false),
  };
}

const TemplateSet* DetectSet(ByteView image) {
  const TemplateSet* best = nullptr;
  uint64_t best_recurring = 0;
  for (const TemplateSet& set : TemplateSets()) {
    if (set.calls.empty()) continue;
    const Fingerprint print = Measure(image, set.calls[0]);
    // Chance lets few targets recur; a real set's calls mostly go to functions that others call too.
    if (print.recurring < 24 || print.recurring * 5 < print.references * 2) continue;
    if (print.recurring > best_recurring) {
      best_recurring = print.recurring;
      best = &set;
    }
  }
  return best;
}

}  // namespace libdelta
