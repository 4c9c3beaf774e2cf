// References: bit fields in code and data that hold an address, described by templates that travel in
// the patch, so that a device needs no knowledge of any instruction set.
//
// A template says which words hold a reference (mask, match, alignment), where the field's bits are
// (runs, most significant first), and how the field gives the target. When code moves, the target and the
// place that refers to it move by amounts that the address map knows, so the new field can be computed.
#ifndef LIBDELTA_WIRE_REFERENCE_H_
#define LIBDELTA_WIRE_REFERENCE_H_

#include <stdint.h>

namespace libdelta {

constexpr uint32_t kMaxTemplates = 15;
constexpr uint32_t kMaxRuns = 8;

enum TemplateFlags : uint8_t {
  kRelative = 1,     // Field is relative to the address of the word; otherwise absolute.
  kSigned = 2,       // Field is two's complement.
  kAlignedPc = 4,    // The sum of address and bias is rounded down to a multiple of 4.
  kInvertBelow = 8,  // The two bits below the sign are stored inverted when the sign is 0 (Thumb J1, J2).
  kBigEndian = 16,
};

struct Template {
  uint32_t mask;  // Bits that must equal `match`.
  uint32_t match;
  uint32_t bias;  // Added to the address of the word (relative only).
  uint8_t width;  // Bytes, 1 .. 4.
  uint8_t align_log2;
  uint8_t flags;
  uint8_t scale;  // The field counts units of 1 << scale bytes.
  uint8_t runs;
  uint8_t bits;  // Field width: sum of the runs' lengths.
  uint8_t run_shift[kMaxRuns];
  uint8_t run_length[kMaxRuns];
};

inline uint32_t LowMask(uint32_t bits) { return bits >= 32 ? 0xffffffffu : (1u << bits) - 1; }

inline uint32_t LoadWord(const uint8_t* bytes, uint32_t width, bool big_endian) {
  uint32_t word = 0;
  for (uint32_t i = 0; i < width; ++i) word = word << 8 | bytes[big_endian ? i : width - 1 - i];
  return word;
}

inline void StoreWord(uint8_t* bytes, uint32_t width, bool big_endian, uint32_t word) {
  for (uint32_t i = 0; i < width; ++i, word >>= 8) {
    bytes[big_endian ? width - 1 - i : i] = static_cast<uint8_t>(word);
  }
}

inline uint32_t Gather(const Template& t, uint32_t word) {
  uint32_t field = 0;
  for (uint32_t i = 0; i < t.runs; ++i) {
    const uint32_t length = t.run_length[i];
    field = (length < 32 ? field << length : 0) | ((word >> t.run_shift[i]) & LowMask(length));
  }
  if ((t.flags & kInvertBelow) && !(field >> (t.bits - 1) & 1)) field ^= 3u << (t.bits - 3);
  return field;
}

inline uint32_t Scatter(const Template& t, uint32_t word, uint32_t field) {
  if ((t.flags & kInvertBelow) && !(field >> (t.bits - 1) & 1)) field ^= 3u << (t.bits - 3);
  for (uint32_t i = t.runs; i-- > 0;) {
    const uint32_t length = t.run_length[i];
    const uint32_t ones = LowMask(length);
    word = (word & ~(ones << t.run_shift[i])) | (field & ones) << t.run_shift[i];
    field = length < 32 ? field >> length : 0;
  }
  return word;
}

// What a relative field counts from.
inline uint32_t Origin(const Template& t, uint32_t address) {
  address += t.bias;
  return (t.flags & kAlignedPc) ? address & ~3u : address;
}

// Address that `field` at `address` refers to.
inline uint32_t Target(const Template& t, uint32_t field, uint32_t address) {
  if ((t.flags & kSigned) && (field >> (t.bits - 1) & 1)) field |= ~LowMask(t.bits);
  field <<= t.scale;
  if (!(t.flags & kRelative)) return field;
  return Origin(t, address) + field;
}

// Field that refers to `target` from `address`. False: it cannot be expressed.
inline bool FieldFor(const Template& t, uint32_t target, uint32_t address, uint32_t* field) {
  if (t.flags & kRelative) target -= Origin(t, address);
  *field = target >> t.scale;
  if ((t.flags & kSigned) && (target >> 31)) *field |= ~(0xffffffffu >> t.scale);
  *field &= LowMask(t.bits);
  // Representable exactly when it decodes to the same distance.
  uint32_t back = *field;
  if ((t.flags & kSigned) && (back >> (t.bits - 1) & 1)) back |= ~LowMask(t.bits);
  return back << t.scale == target;
}

}  // namespace libdelta

#endif  // LIBDELTA_WIRE_REFERENCE_H_
