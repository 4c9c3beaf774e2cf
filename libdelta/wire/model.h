// The adaptive model: predicts one binary decision at a time from several contexts.
//
// Every context, hashed with the bits of the symbol seen so far, selects a 2-byte slot in one shared
// table: 12 bits of probability and 4 bits of confidence. A new slot learns fast (its first step goes two
// thirds of the way), an old one slowly. The slots' opinions are combined in the logistic domain with
// weights that are themselves learned, in sets chosen by a small selector, so that the model finds out
// which contexts to trust for which kind of symbol. There are no checksums and no collision handling:
// with a table this small, spending its bytes on more slots measured better.
//
// Both sides run this very code; all of it is integer arithmetic with defined results.
#ifndef LIBDELTA_WIRE_MODEL_H_
#define LIBDELTA_WIRE_MODEL_H_

#include <stdint.h>
#include <string.h>

#include "libdelta/wire/format.h"
#include "libdelta/wire/shared.h"

namespace libdelta {

using Slot = uint16_t;
using Weight = int16_t;  // Hostile input may let it wrap.

constexpr uint32_t kBitContexts = 3;
constexpr uint32_t kRuns = 4;
constexpr uint32_t kInputs = kBitContexts + kRuns;
// Each decision adds two sets of weights. One is chosen by the kind of symbol and its place; the other for
// bytes by the half of the byte and whether a run has an opinion, for flags by what the caller says.
constexpr uint32_t kByteSets = 4;
constexpr uint32_t kFlagSets = 8;
constexpr uint32_t kAddedSets = kByteSets + kFlagSets;
constexpr uint32_t kKindSets = 13;
constexpr uint32_t kWeightSets = kAddedSets + kKindSets;
constexpr uint32_t kTrustSlots = kRuns * 16 * 2;
constexpr Weight kInitialWeight = 531;  // 4096 is 1.0.
constexpr Slot kInitialSlot = 2048 << 4;
constexpr uint32_t kSlotUnit = 16;  // The table is a multiple of this many slots.
constexpr uint32_t kSlotUnitSize = kSlotUnit * sizeof(Slot);
static_assert(kMaxRam / kSlotUnitSize <= 0xffff, "a model counts its units in 16 bits");
constexpr uint32_t kModelSize =
    sizeof(Weight) * kInputs * kWeightSets + sizeof(Slot) * kTrustSlots;  // Without it.

// Bytes of the weights, trust and first slots that are kept, given in units plus one; 0: nothing is.
constexpr uint32_t KeptModelSize(uint32_t units) {
  return units == 0 ? 0 : kModelSize + (units - 1) * kSlotUnitSize;
}

// ln(p / (1 - p)) * 32 for p = (32 i + 16) / 4096 below one half, negated.
constexpr uint8_t kStretch[64] = {177, 142, 125, 114, 106, 99, 94, 89, 85, 81, 77, 74, 71, 68, 66, 63,
                                  61,  59,  57,  55,  53,  51, 49, 48, 46, 45, 43, 41, 40, 39, 37, 36,
                                  34,  33,  32,  31,  29,  28, 27, 26, 25, 24, 22, 21, 20, 19, 18, 17,
                                  16,  15,  14,  13,  12,  11, 10, 9,  8,  7,  6,  5,  4,  3,  2,  1};

// 4096 / (1 + exp(x / 256)) at x = 128 i.
constexpr int16_t kSquash[17] = {2048, 1546, 1102, 747, 488, 311, 194, 120, 74, 45, 27, 17, 10, 6, 4, 2, 1};

// 256 / (n + 1.5), slower at the end: how far a slot of confidence n moves towards what it saw. The patch
// sets the confidence that is not exceeded: changes to code want quick slots, long texts slow ones.
constexpr uint32_t kMaxConfidence = 15;
constexpr uint8_t kRate[kMaxConfidence + 1] = {171, 102, 73, 57, 47, 39, 34, 30,
                                               26,  23,  21, 19, 17, 14, 10, 6};

LIBDELTA_SHARED inline int32_t Stretch(Slot slot) {
  const uint32_t i = slot >> 9;
  return i < 64 ? -8 * kStretch[i] : 8 * kStretch[127 - i];
}

inline uint32_t Squash(int32_t x) {
  int32_t distance = x < 0 ? -x : x;
  if (distance > 2047) distance = 2047;
  const int16_t* at = kSquash + (distance >> 7);
  const int32_t p = at[0] - (((at[0] - at[1]) * (distance & 127)) >> 7);
  return static_cast<uint32_t>(x < 0 ? p : 4096 - p);
}

// A context on its way to being a slot: both are never needed at once, and stacks are small.
union Input {
  uint32_t context;
  Slot* slot;
};

template <class Port>
class Model {
 public:
  void Start(Port* port) { port_ = port; }
  Port& port() const { return *port_; }

  // `weights` and kTrustSlots + kSlotUnit * units slots behind them live in the caller's arena.
  void Attach(Weight* weights, uint32_t units, uint8_t settings) {
    weights_ = weights;
    trust_ = reinterpret_cast<Slot*>(weights + kInputs * kWeightSets);
    units_ = static_cast<uint16_t>(units);
    limit_ = settings & 15;
    places_ = settings >> 4;
  }

  uint32_t places() const { return places_; }

  // What Reset() covers.
  uint8_t* start() const { return reinterpret_cast<uint8_t*>(weights_); }
  uint8_t* end() const { return reinterpret_cast<uint8_t*>(trust_ + kTrustSlots + kSlotUnit * units_); }

  void Reset() {
    for (uint32_t i = 0; i < kInputs * kWeightSets; ++i) weights_[i] = kInitialWeight;
    // As a run, that is a byte that has been seen 0 times.
    for (uint32_t i = 0; i < kTrustSlots + kSlotUnit * units_; ++i) trust_[i] = kInitialSlot;
  }

  // One decision in one context, without mixing.
  int CodeSimple(uint32_t context, int bit) {
    Slot& slot = Choose(0, context);
    const uint32_t p = slot >> 4;
    bit = port_->Bit(p + (p == 0), bit);
    Update(slot, bit);
    return bit;
  }

  // One decision in kInputs contexts, with one of the kKindSets and one of the kFlagSets.
  int CodeFlag(Input* inputs, uint32_t kind, uint32_t added, int bit) {
    for (uint32_t i = 0; i < kInputs; ++i) inputs[i].slot = &Choose(i, inputs[i].context);
    return CodeMixed(inputs, kind, kByteSets + added, bit);
  }

  // Eight decisions. The first kBitContexts contexts go with the bits before. Each of the others selects a
  // run: the byte that was last seen there and how often. How far runs of each length can be trusted is
  // learned.
  uint32_t CodeByte(Input* contexts, uint32_t kind, uint32_t actual) {
    Input* runs = contexts + kBitContexts;
    for (uint32_t i = 0; i < kRuns; ++i) {
      const uint32_t hash = runs[i].context * kHashFactor;
      const uint32_t check = hash >> 4 & 15;
      Slot* run = &At(kRunRegion, 1, hash);  // Byte, count, check.
      if ((*run & 15) != check) *run = static_cast<Slot>(check);
      runs[i].slot = run;
    }
    uint32_t node = 1;
    for (int b = 7; b >= 0; --b) {
      Input inputs[kInputs];
      for (uint32_t i = 0; i < kBitContexts; ++i) {
        inputs[i].slot = &Choose(i, contexts[i].context + node * kNodeFactor);
      }
      uint32_t added = (static_cast<uint32_t>(b) & 4) / 2;
      for (uint32_t i = 0; i < kRuns; ++i) {
        const uint32_t run = *runs[i].slot;
        const uint32_t expected = (run >> 8 | 256u) >> b;
        uint32_t opinion = i << 5;
        if (expected >> 1 == node) opinion |= (run >> 3 & 30) | (expected & 1);
        Slot* slot = trust_ + opinion;
        if ((opinion & 30) == 0) {
          *slot = kInitialSlot;  // No opinion.
        } else {
          added |= 1;
        }
        inputs[kBitContexts + i].slot = slot;
      }
      node = node << 1 |
             static_cast<uint32_t>(CodeMixed(inputs, kind, added, static_cast<int>(actual >> b & 1)));
    }
    for (uint32_t i = 0; i < kRuns; ++i) {
      Slot& run = *runs[i].slot;
      uint32_t byte = run >> 8;
      uint32_t count = run >> 4 & 15;
      if (byte == (node & 255)) {
        count += count < 15;
      } else {
        count >>= 1;
        if (count < 2) {
          byte = node & 255;
          count = 1;
        }
      }
      run = static_cast<Slot>(byte << 8 | count << 4 | (run & 15));
    }
    return node & 255;
  }

 private:
  static constexpr int32_t kLearningRate = 22;
  static constexpr uint32_t kHashFactor = 0x85ebca6bu;
  static constexpr uint32_t kNodeFactor = 0x9e3779b1u;

  // The table's quarters: one for the first context and what is not mixed, two for the others, one for runs.
  static constexpr uint32_t kRegions = 4;
  static constexpr uint32_t kRunRegion = 3;

  LIBDELTA_SHARED Slot& At(uint32_t from, uint32_t regions, uint32_t hash) const {
    return trust_[kTrustSlots + from * (kSlotUnit / kRegions) * units_ +
                  ((hash >> 16) * regions * units_ >> 14)];
  }

  LIBDELTA_SHARED Slot& Choose(uint32_t i, uint32_t context) const {
    const uint32_t other = i > 0;
    return At(other, 1 + other, context * kHashFactor);
  }

  int CodeMixed(const Input* inputs, uint32_t kind, uint32_t added, int bit) {
    Weight* first = weights_ + (kAddedSets + kind) * kInputs;
    Weight* second = weights_ + added * kInputs;
    int16_t stretched[kInputs];
    int32_t sum = 0;
    for (uint32_t i = 0; i < kInputs; ++i) {
      stretched[i] = static_cast<int16_t>(Stretch(*inputs[i].slot));
      sum += (first[i] + second[i]) * stretched[i];
    }
    const uint32_t p = Squash(sum >> 12);
    bit = port_->Bit(p, bit);
    const int32_t error = ((bit << 12) - static_cast<int32_t>(p)) * kLearningRate;
    for (uint32_t i = 0; i < kInputs; ++i) {
      const int32_t step = (stretched[i] * error + 0x80000) >> 20;
      first[i] = static_cast<Weight>(first[i] + step);
      second[i] = static_cast<Weight>(second[i] + step);
      Update(*inputs[i].slot, bit);
    }
    return bit;
  }

  void Update(Slot& slot, int bit) {
    const uint32_t n = slot & 15;
    int32_t p = slot >> 4;
    // A bound of 0 or 4095, and rounding away from p.
    p += (((bit << 12) - bit - p) * kRate[n] + (bit << 8) - bit) >> 8;
    slot = static_cast<Slot>(p << 4 | static_cast<int32_t>(n < limit_ ? n + 1 : n));
  }

  Port* port_;
  Weight* weights_;
  Slot* trust_;  // Then the table.
  uint16_t units_;
  uint8_t limit_;   // Confidence that slots do not exceed.
  uint8_t places_;  // What of a position contexts look at; not used here.
};

}  // namespace libdelta

#endif  // LIBDELTA_WIRE_MODEL_H_
