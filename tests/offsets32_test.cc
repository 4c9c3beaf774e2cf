// The device library with 32-bit offsets, as on microcontrollers, on a host: what the encoder makes must
// apply there just the same. Built apart (CMakeLists.txt), because the other tests have 64-bit offsets.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <memory>
#include <vector>

#include "libdelta/adapters/sodium.h"
#include "libdelta/device.h"
#include "libdelta/device/decoder.h"
#include "libdelta/device/in_place.h"
#include "libdelta/host.h"
#include "libdelta/host/sha256.h"
#include "libdelta/wire/header.h"
#include "tests/support/golden.h"
#include "tests/support/payloads.h"

namespace libdelta::testing {
namespace {

static_assert(sizeof(libdelta_offset) == 4, "this test is about 32-bit offsets");

struct Images {
  ByteView old_image;
  Bytes new_image;
};

Images& From(void* user) { return *static_cast<Images*>(user); }

int Read(ByteView image, libdelta_offset offset, uint8_t* buffer, uint32_t length) {
  if (offset > image.size() || length > image.size() - offset) return -1;
  std::memcpy(buffer, image.data() + offset, length);
  return 0;
}

int ReadOld(void* user, libdelta_offset offset, uint8_t* buffer, uint32_t length) {
  return Read(From(user).old_image, offset, buffer, length);
}

int ReadNew(void* user, libdelta_offset offset, uint8_t* buffer, uint32_t length) {
  return Read(From(user).new_image, offset, buffer, length);
}

int WriteNew(void* user, libdelta_offset offset, const uint8_t* data, uint32_t length) {
  Bytes& image = From(user).new_image;
  if (offset != image.size()) return -1;
  image.insert(image.end(), data, data + length);
  return 0;
}

libdelta_status Apply(ByteView old_image, ByteView patch, Bytes* new_image) {
  Images images = {old_image, {}};
  libdelta_sodium_state hash;
  libdelta_config config = {};
  config.io = {&images, ReadOld, WriteNew, ReadNew, nullptr};
  config.crypto = libdelta_sodium_crypto(&hash);
  std::vector<uint64_t> ram(libdelta_ram_required(1 << 20) / 8 + 1);
  libdelta_updater* updater = nullptr;
  libdelta_status status = libdelta_init(ram.data(), ram.size() * 8, &config, &updater);
  if (status == LIBDELTA_NEED_INPUT) status = libdelta_push(updater, patch.data(), patch.size());
  *new_image = std::move(images.new_image);
  return status;
}

TEST(Offsets32, GoldenPatchesApply) {
  int applied = 0;
  for (const auto& entry : std::filesystem::directory_iterator(GoldenFolder() / "apply")) {
    const auto golden = ReadGoldenPatch(entry.path());
    ASSERT_TRUE(golden.has_value()) << entry.path();
    if (golden->patch[offsetof(WireHeader, codec)] == kCodecZstd) continue;  // zstd: not in this build.
    Bytes new_image;
    EXPECT_EQ(Apply(golden->old_image, golden->patch, &new_image), LIBDELTA_OK) << golden->name;
    EXPECT_EQ(ToHex(Sha256(new_image)), golden->new_sha256) << golden->name;
    ++applied;
  }
  EXPECT_GE(applied, 15);
}

TEST(Offsets32, ImagesThatDoNotFitAreUnsupported) {
  const auto golden = ReadGoldenPatch(GoldenFolder() / "apply/edits");
  ASSERT_TRUE(golden.has_value());
  const size_t new_high = offsetof(WireHeader, new_and_payload_high);
  int refused = 0;
  for (const size_t high : {offsetof(WireHeader, old_high), new_high, new_high + 1}) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes patch = golden->patch;
      patch[high] = static_cast<uint8_t>(1 << bit);  // 4 GiB and more.
      Bytes new_image;
      EXPECT_EQ(Apply(golden->old_image, patch, &new_image), LIBDELTA_E_UNSUPPORTED);
      EXPECT_TRUE(new_image.empty());
      ++refused;
    }
  }
  EXPECT_EQ(refused, 24);
}

// --- The payload's numbers -------------------------------------------------------------------------

constexpr uint32_t kArena = 2048;

// Decodes a payload to `new_length` bytes, or the first part of one.
libdelta_status Decode(ByteView old_image, ByteView data, uint32_t new_length, Bytes* new_image,
                       bool whole = true) {
  Images images = {old_image, {}};
  const libdelta_io io = {&images, ReadOld, WriteNew, ReadNew, nullptr};
  const std::unique_ptr<uint8_t[]> arena(new uint8_t[kArena]);
  const auto decoder = std::make_unique<Decoder>();
  InPlace elsewhere{};
  DecoderInit(decoder.get(), &io, &elsewhere, arena.get(), kArena,
              static_cast<libdelta_offset>(old_image.size()), new_length);
  uint32_t used = 0;
  const libdelta_status status =
      DecoderRun(decoder.get(), data.data(), static_cast<uint32_t>(data.size()), whole, &used);
  *new_image = std::move(images.new_image);
  return status;
}

constexpr uint64_t k32Bits = uint64_t{1} << 32;

Bytes Ramp(size_t size) {
  Bytes bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 7);
  return bytes;
}

// `plan` is one that decoders with 64-bit offsets take, though some of its numbers are wide.
void ExpectDecodes(const Bytes& old_image, const Bytes& new_image, const Plan& plan, bool fits) {
  const CodedPlan coded = CodePlan(old_image, new_image, plan, kArena);
  ASSERT_EQ(coded.status, LIBDELTA_OK);
  Bytes decoded;
  const libdelta_status status =
      Decode(old_image, coded.data, static_cast<uint32_t>(new_image.size()), &decoded);
  EXPECT_EQ(status, fits ? LIBDELTA_OK : LIBDELTA_E_MALFORMED);
  if (fits) {
    EXPECT_TRUE(decoded == new_image);
  }
}

TEST(Offsets32, TheLargestFieldsOfThePrologueAreTaken) {
  const Bytes image = Ramp(300);
  for (const uint32_t value : {0x7ffffffeu, 0x7fffffffu, 0x80000000u, 0xffffff00u, 0xffffffffu}) {
    SCOPED_TRACE(value);
    Plan plan = LiteralPlan(image.size());
    plan.base = value;
    plan.group_blocks = value;
    ExpectDecodes({}, image, plan, true);
  }
}

// Numbers from 2^32 - 1 on are wide, and refused. The largest below are taken.
TEST(Offsets32, WideNumbersOfTheMapMustFit) {
  const Bytes image = Ramp(300);
  for (const uint64_t old_position : {k32Bits / 2, k32Bits - 2, k32Bits - 1, k32Bits, k32Bits + 9}) {
    Plan plan = LiteralPlan(image.size());
    plan.image_map = {{old_position, old_position, true}};
    plan.segment_lengths = {0};
    ExpectDecodes(image, image, plan, old_position < k32Bits - 1);
  }
  for (const uint64_t new_position : {k32Bits / 2 - 1, k32Bits / 2 + 5, k32Bits, k32Bits + 9}) {
    Plan plan = LiteralPlan(image.size());
    plan.image_map = {{0, new_position, true}};
    plan.segment_lengths = {0};
    ExpectDecodes(image, image, plan, new_position < k32Bits);
  }
}

// Where the encoder with 64-bit positions finds the mistake, so does the decoder with narrow ones; lengths
// must not look small because their upper half is cut off.
TEST(Offsets32, WideNumbersOfOperationsMustFit) {
  const Bytes image = Ramp(300);
  using Kind = OperationKind;
  const Operation operations[] = {
      {Kind::kLiteral, 200, k32Bits + 100, 0}, {Kind::kOld, 200, k32Bits + 100, 200},
      {Kind::kOld, 200, 100, k32Bits + 200},   {Kind::kNew, 200, k32Bits + 100, 200},
      {Kind::kNew, 200, 100, k32Bits + 200},
  };
  for (size_t i = 0; i < std::size(operations); ++i) {
    SCOPED_TRACE(i);
    for (const bool narrow : {true, false}) {
      Bytes new_image = image;
      std::copy_n(image.begin(), 100, new_image.begin() + 200);
      Plan plan;
      Operation operation = operations[i];
      if (narrow) {
        operation.length %= k32Bits;
        operation.source %= k32Bits;
      }
      if (operation.kind == Kind::kOld) new_image = image;
      plan.operations = {{Kind::kOld, 0, 200, 0}, operation};
      const CodedPlan coded = CodePlan(image, new_image, plan, kArena);
      EXPECT_EQ(coded.status, narrow ? LIBDELTA_OK : LIBDELTA_E_MALFORMED);
      Bytes data = coded.data;
      data.resize(data.size() + (narrow ? 0 : 64), 0x55);
      Bytes decoded;
      EXPECT_EQ(Decode(image, data, static_cast<uint32_t>(image.size()), &decoded), coded.status);
      EXPECT_TRUE(!narrow || decoded == new_image);
    }
  }
}

}  // namespace
}  // namespace libdelta::testing
