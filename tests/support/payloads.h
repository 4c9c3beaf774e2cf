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

  PlainBits& Optional(uint32_t count, uint64_t value) {
    return value == 0 ? Bits(1, 0) : Bits(1, 1).Bits(count, value);
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
  uint32_t places = 0;
  uint32_t limit = 15;
  uint64_t image_entries = 0;
  uint64_t ram_entries = 0;
  uint64_t base = 0;
  uint64_t ram_base = 0;
  uint64_t ram_length = 0;
  uint64_t group_blocks = 0;

  PlainBits ToBits() const {
    PlainBits bits;
    bits.Bits(4, templates)
        .Bits(4, places)
        .Bits(4, limit)
        .Optional(16, image_entries)
        .Optional(16, ram_entries);
    bits.Optional(32, base).Optional(32, ram_base).Optional(32, ram_length).Optional(32, group_blocks);
    return bits;
  }
};

// Two beginnings of a payload that differ in one thing: the codec's first step refuses `bad` and takes
// `good`.
struct PrologueCase {
  const char* name;
  uint32_t arena;
  Bytes bad;
  Bytes good;
};

// For images of 128 .. 32767 bytes: entries of the image's map take 4 bytes. Arenas are those of chunks of
// kMinChunk bytes.
inline std::vector<PrologueCase> PrologueCases() {
  constexpr uint32_t kFixed = kFixedRam + kCarrySize + kMinChunk;
  constexpr uint32_t kArena = kMinRam - kFixed;
  constexpr uint32_t kModel = kModelSize + kMinUnits * kSlotUnitSize;
  constexpr uint32_t kRoom = kArena - kModel;  // For templates and maps.
  constexpr uint32_t kFields = (kRoom - sizeof(Template)) / 4;
  const auto prologue = [](const PrologueFields& fields) { return fields.ToBits().FinishWithNoise(); };
  return {
      {"map-larger-than-arena", kArena, prologue({.image_entries = 1000}), prologue({.image_entries = 10})},
      {"map-leaves-no-model", kArena, prologue({.image_entries = kRoom / 4 + 1}),
       prologue({.image_entries = kRoom / 4})},
      {"ram-map-larger-than-arena", kArena, prologue({.ram_entries = kMaxEntries}),
       prologue({.ram_entries = 10})},
      {"ram-map-leaves-no-model", kArena, prologue({.ram_entries = kRoom / 8 + 1}),
       prologue({.ram_entries = kRoom / 8})},
      {"templates-leave-no-model", kArena, prologue({.templates = 2, .image_entries = kFields}),
       prologue({.templates = 1, .image_entries = kFields})},
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

// The prologue and the templates of a plan, with noise behind them, which must not matter.
inline Bytes CodeTemplates(const Plan& plan, uint32_t arena_size) {
  Bytes data;
  EncodePort port({}, {}, plan, &data);
  const std::unique_ptr<uint8_t[]> arena(new uint8_t[arena_size]);
  const auto codec = std::make_unique<Codec<EncodePort>>();
  codec->Start(&port, arena.get(), arena_size, 0, 0);
  const size_t steps = 1 + plan.templates.size() * sizeof(Template);
  for (size_t i = 0; i < steps; ++i) codec->Step();
  port.Finish();
  data.resize(data.size() + 64, 0x55);
  return data;
}

// A plan without segments: `new_image` is `length` literal bytes.
inline Plan LiteralPlan(uint64_t length) {
  Plan plan;
  plan.operations = {{OperationKind::kLiteral, 0, length, 0}};
  return plan;
}

}  // namespace libdelta::testing

#endif  // LIBDELTA_TESTS_SUPPORT_PAYLOADS_H_
