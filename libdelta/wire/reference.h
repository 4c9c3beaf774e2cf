// References: bit fields in code and data that hold an address, described by templates that travel in
// the patch, so that a device needs no knowledge of any instruction set.
//
// A template says which words hold a reference (mask, match, alignment), where the field's bits are
// (runs, most significant first), and how the field gives the target. When code moves, the target and the
// place that refers to it move by amounts that the address map knows, so the new field can be computed.
#ifndef LIBDELTA_WIRE_REFERENCE_H_
#define LIBDELTA_WIRE_REFERENCE_H_

#include <stddef.h>
#include <stdint.h>

#include "libdelta/wire/shared.h"

namespace libdelta {

constexpr uint32_t kMaxTemplates = 15;
constexpr uint32_t kMaxRuns = 8;
constexpr uint32_t kMaxBase = 0x7ffffffe;  // The largest that is no wide number.

enum TemplateFlags : uint8_t {
  kSigned = 1,       // Field is two's complement.
  kInvertBelow = 2,  // The two bits below the sign are stored inverted when the sign is 0 (Thumb J1, J2).
};

// Which image a field is in.
enum Side : uint8_t { kOldSide, kNewSide };

// Byte i of a word, most significant first, is at offset i ^ order.
constexpr uint32_t kBigEndian = 0;
constexpr uint32_t kLittleEndian = 3;

struct Template {
  uint32_t mask;  // Bits that must equal `match`.
  uint32_t match;
  uint32_t base[2];  // By Side, at most kMaxBase: added to what fields count from.
  // The head: fields that are coded one after the other (kHeadBits).
  uint8_t width;       // Bytes, 1 .. 4.
  uint8_t more_runs;   // Than one.
  uint8_t order;       // Of the bytes.
  uint8_t align_mask;  // Bits that are 0 in the address of a word.
  uint8_t flags;
  uint8_t scale;   // The field counts units of 1 << scale bytes.
  uint8_t bias;    // Fields count from the address of the word plus this,
  uint8_t origin;  // rounded down to a multiple of this; 0: from address 0.
  uint8_t bits;    // Field width, 1 .. 32: sum of the runs' lengths.
  uint8_t run_shift[kMaxRuns];
  uint8_t run_last[kMaxRuns];  // Its length less one.
};

// How many bits each field of the head takes, four bits for each, the first one's lowest. Of the width one
// less is coded.
constexpr uint32_t kHeadBits = 0x34322232;

// A word has 32 bits whatever its width in bytes: little-endian bytes fill it from the low end, big-endian
// ones from the high end. What is beyond the width does not matter; masks are clear there.
inline uint32_t LoadWord(const uint8_t* bytes, uint32_t order) {
  uint32_t word = 0;
  for (uint32_t i = 0; i < 4; ++i) word = word << 8 | bytes[i ^ order];
  return word;
}

inline void StoreWord(uint8_t* bytes, uint32_t order, uint32_t word) {
  for (uint32_t i = 0; i < 4; ++i, word <<= 8) bytes[i ^ order] = static_cast<uint8_t>(word >> 24);
}

// Likewise, without touching what is beyond the width.
inline uint32_t LoadWord(const uint8_t* bytes, uint32_t width, uint32_t order) {
  uint32_t word = 0;
  for (uint32_t i = 0; i < 4; ++i) word = word << 8 | ((i ^ order) < width ? bytes[i ^ order] : 0u);
  return word;
}

inline void StoreWord(uint8_t* bytes, uint32_t width, uint32_t order, uint32_t word) {
  for (uint32_t i = 0; i < 4; ++i, word <<= 8) {
    if ((i ^ order) < width) bytes[i ^ order] = static_cast<uint8_t>(word >> 24);
  }
}

// The bits of run `i`, moved to the low end.
inline uint32_t RunOnes(const Template& t, uint32_t i) { return (2u << t.run_last[i]) - 1; }

// A field is held with its most significant bit in bit 31: its sign is where a processor looks for it.

inline uint32_t InvertBelow(const Template& t, uint32_t field) {
  return (t.flags & kInvertBelow) && !(field >> 31) ? field ^ 3u << 29 : field;
}

// Puts `field` into the word and returns what was there.
inline uint32_t Exchange(const Template& t, uint32_t* word, uint32_t field) {
  field = InvertBelow(t, field);
  uint32_t old = 0;
  for (uint32_t i = 0; i <= t.more_runs; ++i) {
    const uint32_t shift = t.run_shift[i];
    const uint32_t last = t.run_last[i];  // Shifts by a length of 32 would be undefined.
    const uint32_t ones = RunOnes(t, i);
    old = old << last << 1 | (*word >> shift & ones);
    *word = (*word & ~(ones << shift)) | field >> (31 - last) << shift;
    field = field << last << 1;
  }
  return InvertBelow(t, old << (32u - t.bits));
}

inline uint32_t Gather(const Template& t, uint32_t word) { return Exchange(t, &word, 0); }

inline uint32_t Scatter(const Template& t, uint32_t word, uint32_t field) {
  Exchange(t, &word, field);
  return word;
}

// What a field counts from.
LIBDELTA_SHARED inline uint32_t Origin(const Template& t, uint32_t address, Side side) {
  return ((address + t.bias) & (0u - t.origin)) + t.base[side];
}

// How far from its origin a field points.
inline uint32_t Distance(const Template& t, uint32_t field) {
  const uint32_t unused = 32u - t.bits;
  const uint32_t units =
      (t.flags & kSigned) ? static_cast<uint32_t>(static_cast<int32_t>(field) >> unused) : field >> unused;
  return units << t.scale;
}

// Address that `field` at `address` of an image refers to.
inline uint32_t Target(const Template& t, uint32_t field, uint32_t address, Side side) {
  return Origin(t, address, side) + Distance(t, field);
}

// Field that refers to `target` from `address` of the new image. False: it cannot be expressed.
inline bool FieldFor(const Template& t, uint32_t target, uint32_t address, uint32_t* field) {
  const uint32_t distance = target - Origin(t, address, kNewSide);
  *field = distance >> t.scale << (32u - t.bits);
  return Distance(t, *field) == distance;
}

}  // namespace libdelta

#endif  // LIBDELTA_WIRE_REFERENCE_H_
