// References: bit fields in code and data that hold an address, described by templates that travel in
// the patch, so that a device needs no knowledge of any instruction set.
//
// A template says which words hold a reference (mask, match, alignment), where the field's bits are
// (runs, most significant first), and how the field gives the target. When code moves, the target and the
// place that refers to it move by amounts that the address map knows, so the new field can be computed.
//
// Some addresses take two instructions, each with a part of the field. A template can therefore look at a
// second word near the one that it predicts. Such words are a *pair*, and each of them has its template.
#ifndef LIBDELTA_WIRE_REFERENCE_H_
#define LIBDELTA_WIRE_REFERENCE_H_

#include <stddef.h>
#include <stdint.h>

#include "libdelta/wire/little.h"
#include "libdelta/wire/shared.h"

namespace libdelta {

constexpr uint32_t kMaxTemplates = 15;
constexpr uint32_t kMaxRuns = 8;
constexpr uint32_t kMaxReach = 8;  // From a word to the other one of its pair, in bytes.

// Which image a field is in.
enum Side : uint8_t { kOldSide, kNewSide };

// Byte i of a word, most significant first, is at offset i ^ order.
constexpr uint32_t kBigEndian = 0;
constexpr uint32_t kLittleEndian = 3;

// The words of a template: the one that it predicts, and the other one of a pair.
constexpr uint32_t kWords = 2;

// How the bits of a field are stored, beside their places.
constexpr uint32_t kInvertedBelow = 3;  // The two below the sign are inverted if that is 0 (Thumb J1, J2).
constexpr uint32_t kReversed = 4;       // The lowest comes first (BA2).

// As it is in a patch, where the bytes have kTemplateBits. With these, none does harm.
struct Template {
  uint8_t last_byte;           // Of the word: its width less one.
  uint8_t last_run;            // The number of runs less one.
  uint8_t last_bit;            // Of the field: the sum of the runs' lengths less one.
  uint8_t order;               // Of the bytes.
  uint8_t align_mask;          // Bits that are 0 in the address of a word.
  uint8_t twist;               // 0, kInvertedBelow or kReversed.
  uint8_t sign_bit;            // Of the field counts negative; 0: none does.
  uint8_t scale;               // The field counts units of 1 << scale bytes.
  int8_t bias;                 // Fields count from the address of the word plus this,
  uint8_t origin;              // rounded down to a multiple of this,
  uint8_t origin_shift;        // so much further up; 0: from address 0.
  uint8_t reach;               // To the other word, see Reach().
  uint8_t tied_bits;           // Must be the same in both words,
  uint8_t tied_shift[kWords];  // when these have been shifted down so far.
  uint8_t run_shift[kMaxRuns];
  uint8_t run_last[kMaxRuns];     // Its length less one; and kInOther if that is where it is.
  uint8_t zero;                   // Words are aligned.
  Little<uint32_t> mask[kWords];  // Bits that must equal `match`.
  Little<uint32_t> match[kWords];
  Little<uint32_t> base[2];  // By Side: added to what fields count from.
};
constexpr uint32_t kInOther = 32;

// Bits of each byte; those behind have 8.
constexpr uint8_t kTemplateBits[] = {2, 3, 5, 2, 2, 3, 5, 3, 8, 3, 4, 3, 5, 5, 5, 5,
                                     5, 5, 5, 5, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 6, 0};

inline uint32_t BitsOfByte(uint32_t i) { return i < sizeof(kTemplateBits) ? kTemplateBits[i] : 8u; }

// From a word to the other one, in bytes: 2 .. 8 or -8 .. -2.
inline int32_t Reach(const Template& t) { return 2 * (t.reach < 4 ? t.reach + 1 : t.reach - 8); }

inline uint32_t Width(const Template& t) { return t.last_byte + 1u; }

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
  if (width == 4) return LoadWord(bytes, order);
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
inline uint32_t RunOnes(const Template& t, uint32_t i) { return (2u << (t.run_last[i] & 31)) - 1; }

// A field is held with its most significant bit in bit 31: its sign is where a processor looks for it.
// A field as it is stored, or the other way round.
LIBDELTA_SHARED inline uint32_t Twisted(const Template& t, uint32_t field) {
  const uint32_t inverted = t.twist;
  if (inverted < kReversed) return field >> 31 ? field : field ^ inverted << 29;
  uint32_t reversed = 0;
  for (int32_t left = t.last_bit; left >= 0; --left, field <<= 1)
    reversed = reversed >> 1 | field >> 31 << 31;
  return reversed;
}

// Puts `field` into the words and returns what was there.
inline uint32_t Exchange(const Template& t, uint32_t* words, uint32_t field) {
  field = Twisted(t, field);
  uint32_t old = 0;
  for (uint32_t i = 0; i <= t.last_run; ++i) {
    uint32_t& word = words[t.run_last[i] / kInOther];
    const uint32_t shift = t.run_shift[i];
    const uint32_t last = t.run_last[i] & 31;  // Shifts by a length of 32 would be undefined.
    const uint32_t ones = RunOnes(t, i);
    old = old << last << 1 | (word >> shift & ones);
    word = (word & ~(ones << shift)) | field >> (31 - last) << shift;
    field = field << last << 1;
  }
  return Twisted(t, old << (31 - t.last_bit));
}

// Whether the bits of the words that go with each other do.
inline bool AreTied(const Template& t, const uint32_t* words) {
  return !((words[0] >> t.tied_shift[0] ^ words[1] >> t.tied_shift[1]) & t.tied_bits);
}

inline uint32_t Gather(const Template& t, const uint32_t* words) {
  uint32_t cleared[kWords] = {words[0], words[1]};
  return Exchange(t, cleared, 0);
}

// What a field counts from.
LIBDELTA_SHARED inline uint32_t Origin(const Template& t, uint32_t address, Side side) {
  return ((address + static_cast<uint32_t>(int32_t{t.bias})) &
          (0u - (uint32_t{t.origin} << t.origin_shift))) +
         t.base[side];
}

inline uint32_t SignOf(const Template& t) { return 1u << t.sign_bit & ~1u; }

// How far from its origin a field points.
inline uint32_t Distance(const Template& t, uint32_t field) {
  return (((field >> (31 - t.last_bit)) ^ SignOf(t)) - SignOf(t)) << t.scale;
}

// Address that `field` at `address` of an image refers to.
inline uint32_t Target(const Template& t, uint32_t field, uint32_t address, Side side) {
  return Origin(t, address, side) + Distance(t, field);
}

// Whether a copy from the new image makes the reference point where the copied one does. Those of fewer than
// 16 bits mostly stay within what is copied.
inline bool KeepsTarget(const Template& t) { return t.last_bit >= 15; }

// Field that refers to `target` from `address` of the new image. False: it cannot be expressed.
inline bool FieldFor(const Template& t, uint32_t target, uint32_t address, uint32_t* field) {
  const uint32_t distance = target - Origin(t, address, kNewSide);
  *field = (((distance >> t.scale) + SignOf(t)) ^ SignOf(t)) << (31 - t.last_bit);
  return Distance(t, *field) == distance;
}

}  // namespace libdelta

#endif  // LIBDELTA_WIRE_REFERENCE_H_
