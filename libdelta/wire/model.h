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

namespace libdelta {

using Slot = uint16_t;

constexpr int kBitContexts = 3;
constexpr int kRuns = 4;
constexpr uint32_t kSparseShare = 15;
constexpr uint32_t kRunShare = 8;
constexpr int kInputs = kBitContexts + kRuns;
constexpr int kWeightSets = 16;
constexpr int32_t kInitialWeight = 17000;  // 65536 is 1.0.
constexpr Slot kInitialSlot = 2048 << 4;

// ln(p / (1 - p)) * 256 for p = (16 i + 8) / 4096 below one half, negated.
constexpr int16_t kStretch[128] = {
    1597, 1314, 1182, 1095, 1030, 978, 934, 896, 863, 834, 807, 783, 760, 739, 720, 702, 685, 669, 653,
    639,  625,  612,  599,  587,  575, 564, 553, 542, 532, 522, 512, 503, 494, 485, 476, 468, 459, 451,
    443,  436,  428,  421,  413,  406, 399, 392, 385, 379, 372, 366, 359, 353, 347, 341, 335, 329, 323,
    317,  311,  306,  300,  295,  289, 284, 279, 273, 268, 263, 258, 253, 248, 243, 238, 233, 228, 223,
    218,  214,  209,  204,  200,  195, 190, 186, 181, 177, 172, 168, 163, 159, 155, 150, 146, 141, 137,
    133,  129,  124,  120,  116,  112, 108, 103, 99,  95,  91,  87,  83,  79,  75,  70,  66,  62,  58,
    54,   50,   46,   42,   38,   34,  30,  26,  22,  18,  14,  10,  6,   2};

// 4096 / (1 + exp(-x / 256)) at x = 128 (i - 16).
constexpr int16_t kSquash[33] = {1,    2,    4,    6,    10,   17,   27,   45,   74,   120,  194,
                                 311,  488,  747,  1102, 1546, 2048, 2550, 2994, 3349, 3608, 3785,
                                 3902, 3976, 4022, 4051, 4069, 4079, 4086, 4090, 4092, 4094, 4095};

// 256 / (n + 1.5), slower at the end: how far a slot of confidence n moves towards what it saw.
constexpr uint8_t kRate[16] = {171, 102, 73, 57, 47, 39, 34, 30, 26, 23, 21, 19, 18, 17, 16, 15};

inline int32_t Stretch(uint32_t p12) {
  return p12 < 2048 ? -kStretch[p12 >> 4] : kStretch[(4095 - p12) >> 4];
}

inline uint32_t Squash(int32_t x) {
  if (x > 2047) x = 2047;
  if (x < -2047) x = -2047;
  const int32_t i = (x + 2048) >> 7;
  const int32_t low = (x + 2048) & 127;
  return static_cast<uint32_t>((kSquash[i] * (128 - low) + kSquash[i + 1] * low + 64) >> 7);
}

inline uint32_t HashMix(uint32_t x) {
  x *= 0x9e3779b1u;
  return x ^ (x >> 15);
}

class Model {
 public:
  static constexpr uint32_t kMinSlots = 256;  // Fewer are no model.

  // `weights` and `slots` live in the caller's arena.
  void Attach(int32_t* weights, Slot* slots, uint32_t slot_count, uint8_t limit) {
    weights_ = weights;
    units_ = slot_count >> 4;
    trust_ = slots;
    dense_ = trust_ + kTrustSlots;
    units_ -= kTrustSlots / 16;
    sparse_units_ = units_ * kSparseShare >> 5;
    run_units_ = units_ * kRunShare >> 5;
    sparse_ = dense_ + 16 * (units_ - sparse_units_ - run_units_);
    runs_ = sparse_ + 16 * sparse_units_;
    limit_ = limit;
  }

  void Reset() {
    for (int i = 0; i < kInputs * kWeightSets; ++i) weights_[i] = kInitialWeight;
    for (Slot* s = trust_; s != runs_; ++s) *s = kInitialSlot;
    for (int i = 0; i < kTrustSlots; ++i) trust_[i] = static_cast<Slot>((2048 + 120 * (i & 15)) << 4);
    memset(runs_, 0, run_units_ * 16 * sizeof(Slot));
  }

  // One decision in one context, without mixing.
  template <class Port>
  int CodeSimple(Port& port, uint32_t context, int bit) {
    Slot& slot = At(dense_, units_ - sparse_units_ - run_units_, context * 0x2c1b3c6du + 0x632be5abu);
    uint32_t p = slot >> 4;
    if (p < 1) p = 1;
    bit = port.Bit(p, bit);
    Update(slot, bit);
    return bit;
  }

  template <class Port>
  int CodeFlag(Port& port, const uint32_t* contexts, uint32_t set, int bit) {
    Inputs inputs;
    for (int i = 0; i < kInputs; ++i) inputs.Set(i, &Choose(i, contexts[i] * 0x85ebca6bu));
    return CodeMixed(port, inputs, set, bit);
  }

  template <class Port>
  uint32_t CodeByte(Port& port, const uint32_t* contexts, uint32_t set, uint32_t actual) {
    Slot* runs[kRuns];
    for (int i = 0; i < kRuns; ++i) {
      const uint32_t hash = contexts[kBitContexts + i] * 0x85ebca6bu;
      runs[i] = &At(runs_, run_units_, hash);
      // Slot: byte, count, check.
      if ((*runs[i] & 15) != (hash >> 4 & 15)) *runs[i] = static_cast<Slot>(hash >> 4 & 15);
    }
    uint32_t node = 1;
    for (int b = 7; b >= 0; --b) {
      Inputs inputs;
      for (int i = 0; i < kBitContexts; ++i) {
        inputs.Set(i, &Choose(i, (contexts[i] + node * 0x9e3779b1u) * 0x85ebca6bu));
      }
      for (int i = 0; i < kRuns; ++i) {
        const uint32_t count = *runs[i] >> 4 & 15;
        const uint32_t expected = (*runs[i] >> 8 | 256u) >> b;
        if (count == 0 || expected >> 1 != node) continue;
        inputs.Set(kBitContexts + i, &trust_[((set & 1) * kRuns + i) * 16 + count]);
        if (!(expected & 1)) inputs.Flip(kBitContexts + i);
      }
      node =
          node << 1 | static_cast<uint32_t>(CodeMixed(port, inputs, set, static_cast<int>(actual >> b & 1)));
    }
    const uint32_t byte = node & 255;
    for (int i = 0; i < kRuns; ++i) {
      uint32_t slot = *runs[i];
      uint32_t count = slot >> 4 & 15;
      if (count && slot >> 8 == byte) {
        if (count < 15) ++count;
      } else if (count > 3) {
        count = count >> 1;
        *runs[i] = static_cast<Slot>((slot & 0xff0f) | count << 4);
        continue;
      } else {
        count = 1;
      }
      *runs[i] = static_cast<Slot>(byte << 8 | count << 4 | (slot & 15));
    }
    return byte;
  }

 private:
  static constexpr int32_t kLearningRate = 28;
  static constexpr int kTrustSlots = 16 * 2 * kRuns;

  // The opinions on one decision. An input without a slot has none.
  struct Inputs {
    Slot* slots[kInputs] = {};
    int32_t values[kInputs] = {};
    uint32_t flips = 0;  // Inputs whose slot says how likely a run's bit is, and that bit is 0.

    void Set(int i, Slot* slot) {
      slots[i] = slot;
      values[i] = Stretch(*slot >> 4);
    }
    void Flip(int i) {
      values[i] = -values[i];
      flips |= 1u << i;
    }
  };

  template <class Port>
  int CodeMixed(Port& port, const Inputs& inputs, uint32_t set, int bit) {
    int32_t* weights = weights_ + set * kInputs;
    int32_t sum = 0;
    for (int i = 0; i < kInputs; ++i) {
      // Unsigned: hostile input may drive a weight out of range, and then wrapping is what FORMAT.md says.
      const uint32_t product = static_cast<uint32_t>(weights[i]) * static_cast<uint32_t>(inputs.values[i]);
      sum += static_cast<int32_t>(product) >> 8;
    }
    uint32_t p = Squash(sum >> 8);
    bit = port.Bit(p, bit);
    const int32_t error = ((bit << 12) - static_cast<int32_t>(p)) * kLearningRate;
    for (int i = 0; i < kInputs; ++i) {
      weights[i] += (inputs.values[i] * error + 0x8000) >> 16;
      if (inputs.slots[i]) Update(*inputs.slots[i], bit ^ static_cast<int>(inputs.flips >> i & 1));
    }
    return bit;
  }

  static Slot& At(Slot* region, uint32_t units, uint32_t hash) {
    return region[((hash >> 16) * units) >> 12];
  }
  Slot& Choose(int i, uint32_t hash) {
    return i == 0 ? At(dense_, units_ - sparse_units_ - run_units_, hash) : At(sparse_, sparse_units_, hash);
  }

  void Update(Slot& slot, int bit) {
    const uint32_t n = slot & 15;
    int32_t p = slot >> 4;
    if (bit) {
      p += ((4095 - p) * kRate[n] + 255) >> 8;
    } else {
      p -= (p * kRate[n] + 255) >> 8;
    }
    slot = static_cast<Slot>(p << 4 | static_cast<int32_t>(n < limit_ ? n + 1 : n));
  }

  int32_t* weights_;
  Slot* trust_;
  Slot* dense_;
  Slot* sparse_;
  Slot* runs_;
  uint32_t units_;
  uint32_t sparse_units_;
  uint32_t run_units_;
  uint8_t limit_;
};

}  // namespace libdelta

#endif  // LIBDELTA_WIRE_MODEL_H_
