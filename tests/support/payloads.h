// Payloads of the libdelta codec that no encoder makes: from plain bits, or from plans made by hand.
#ifndef LIBDELTA_TESTS_SUPPORT_PAYLOADS_H_
#define LIBDELTA_TESTS_SUPPORT_PAYLOADS_H_

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "libdelta/host.h"
#include "libdelta/host/encode_port.h"
#include "libdelta/host/plan.h"
#include "libdelta/host/range_encoder.h"
#include "libdelta/wire/codec.h"
#include "libdelta/wire/format.h"
#include "libdelta/wire/model.h"

namespace libdelta::testing {

// A prologue (FORMAT.md 5.5) and what follows it, in plain bits.
class PlainBits {
 public:
  PlainBits& Bits(uint32_t count, uint64_t value) {
    while (count-- > 0) encoder_.Bit(2048, static_cast<int>(value >> count & 1));
    return *this;
  }

  // As short as it can be.
  PlainBits& Number(uint64_t value) {
    uint32_t magnitude = 0;
    while (magnitude < 31 && (value + 1) >> (magnitude + 1) != 0) ++magnitude;
    if (magnitude == 31) return WideNumber(value);
    return Bits(5, magnitude).Bits(magnitude, value + 1);
  }
  PlainBits& WideNumber(uint64_t value) { return Bits(5, 31).Bits(64, value); }

  // The bases of the first template: two adaptive numbers, of which the second knows the first.
  PlainBits& ZeroBases() {
    const uint32_t half = kInitialSlot >> 4;
    for (int i = 0; i < 5; ++i) encoder_.Bit(half, 0);
    for (int i = 0; i < 5; ++i) encoder_.Bit(half - (half * kRate[0] + 255) / 256, 0);
    return *this;
  }

  // What they are when nothing else follows.
  Bytes Finish() {
    encoder_.EndGroup();
    return std::move(data_);
  }

  // With noise behind them, which must not matter.
  Bytes FinishWithNoise() {
    Bytes data = Finish();
    data.resize(data.size() + 64, 0x55);
    return data;
  }

 private:
  Bytes data_;
  RangeEncoder encoder_{&data_};
};

struct PrologueFields {
  uint32_t templates = 0;
  uint32_t limit = 15;
  uint64_t image_entries = 0;
  uint64_t ram_entries = 0;
  uint64_t base = 0;
  uint64_t ram_base = 0;
  uint64_t ram_length = 0;
  uint64_t group_blocks = 0;

  PlainBits ToBits() const {
    PlainBits bits;
    bits.Bits(4, templates).Bits(4, limit).Number(image_entries).Number(ram_entries).Number(base);
    bits.Number(ram_base).Number(ram_length).Number(group_blocks);
    return bits;
  }
};

// A prologue with one template: four bytes wide, with these runs (shift, length) and nothing to match.
inline Bytes OneTemplate(uint32_t flags, const std::vector<std::pair<uint32_t, uint32_t>>& runs) {
  PlainBits bits = PrologueFields{.templates = 1}.ToBits();
  bits.Bits(2, 3)
      .Bits(3, runs.size() - 1)
      .Bits(2, kLittleEndian)
      .Bits(2, 0);                                       // Width, runs, order, alignment.
  bits.Bits(2, flags).Bits(3, 0).Bits(4, 0).Bits(3, 0);  // Flags, scale, bias, origin.
  bits.ZeroBases();
  for (const auto& [shift, length] : runs) bits.Bits(5, length - 1).Bits(5, shift);
  return bits.FinishWithNoise();
}

// Two beginnings of a payload that differ in one thing: step `step` of the codec refuses `bad` and takes
// `good`.
struct PrologueCase {
  const char* name;
  uint32_t arena;
  Bytes bad;
  Bytes good;
  int step;
};

// For images of 128 .. 32767 bytes: entries of the image's map take 4 bytes. Arenas are those of chunks of
// kMinChunk bytes.
inline std::vector<PrologueCase> PrologueCases() {
  constexpr uint32_t kFixed = kFixedRam + kCarrySize + kMinChunk;
  constexpr uint32_t kArena = kMinRam - kFixed;
  constexpr uint32_t kLargestArena = kMaxRam - kFixed;
  constexpr uint32_t kModel = kModelSize + kMinUnits * kSlotUnitSize;
  constexpr uint32_t kRoom = kArena - kModel;  // For templates and maps.
  constexpr uint32_t kFields = (kRoom - sizeof(Template)) / 4;
  const auto prologue = [](const PrologueFields& fields) { return fields.ToBits().FinishWithNoise(); };
  return {
      {"map-larger-than-arena", kArena, prologue({.image_entries = 1000}), prologue({.image_entries = 10}),
       1},
      {"map-too-many-entries", kLargestArena, prologue({.image_entries = kMaxEntries + 1}),
       prologue({.image_entries = kMaxEntries}), 1},
      {"map-wide-count", kLargestArena, prologue({.image_entries = uint64_t{1} << 32}),
       prologue({.image_entries = 0}), 1},
      {"map-leaves-no-model", kArena, prologue({.image_entries = kRoom / 4 + 1}),
       prologue({.image_entries = kRoom / 4}), 1},
      {"ram-map-too-many-entries", kLargestArena, prologue({.ram_entries = kMaxEntries + 1}),
       prologue({.ram_entries = kMaxEntries}), 1},
      {"ram-map-leaves-no-model", kArena, prologue({.ram_entries = kRoom / 8 + 1}),
       prologue({.ram_entries = kRoom / 8}), 1},
      {"templates-leave-no-model", kArena, prologue({.templates = 2, .image_entries = kFields}),
       prologue({.templates = 1, .image_entries = kFields}), 1},
      {"field-wider-than-a-word", kArena, OneTemplate(0, {{0, 32}, {7, 1}}),
       OneTemplate(0, {{0, 31}, {7, 1}}), 2},
      {"field-of-256-bits", kArena,
       OneTemplate(0, {{0, 32}, {0, 32}, {0, 32}, {0, 32}, {0, 32}, {0, 32}, {0, 32}, {0, 32}}),
       OneTemplate(0, {{0, 4}, {0, 4}, {0, 4}, {0, 4}, {0, 4}, {0, 4}, {0, 4}, {0, 4}}), 2},
  };
}

// What coding a plan gives.
struct CodedPlan {
  libdelta_status status;
  Bytes data;  // Zeros at the end included; up to the step that failed.
};

// Codes any plan as far as the codec takes it.
inline CodedPlan CodePlan(ByteView old_image, ByteView new_image, const Plan& plan, uint32_t arena_size) {
  CodedPlan coded;
  EncodePort port(old_image, new_image, plan, &coded.data);
  const std::unique_ptr<uint8_t[]> arena(new uint8_t[arena_size]);
  const auto codec = std::make_unique<Codec<EncodePort>>();
  codec->Start(&port, arena.get(), arena_size, old_image.size(), new_image.size());
  do {
    coded.status = codec->Step();
  } while (coded.status == LIBDELTA_NEED_INPUT);
  port.Finish();
  return coded;
}

// A plan without segments: `new_image` is `length` literal bytes.
inline Plan LiteralPlan(uint64_t length) {
  Plan plan;
  plan.operations = {{OperationKind::kLiteral, 0, length, 0}};
  return plan;
}

}  // namespace libdelta::testing

#endif  // LIBDELTA_TESTS_SUPPORT_PAYLOADS_H_
