// The device library with 32-bit offsets, as on microcontrollers, on a host: what the encoder makes must
// apply there just the same. Built apart (CMakeLists.txt), because the other tests have 64-bit offsets.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <vector>

#include "libdelta/adapters/sodium.h"
#include "libdelta/device.h"
#include "libdelta/host.h"
#include "libdelta/host/sha256.h"
#include "libdelta/wire/header.h"
#include "tests/support/golden.h"

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
    if (golden->patch.size() > 5 && golden->patch[5] == 1) continue;  // zstd: not in this build.
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
  const size_t lengths[] = {offsetof(WireHeader, old_length), offsetof(WireHeader, new_length),
                            offsetof(WireHeader, payload_length)};
  int refused = 0;
  for (const size_t length : lengths) {
    for (size_t i = 4; i < 8; ++i) {
      Bytes patch = golden->patch;
      patch[length + i] = 1;  // 4 GiB and more.
      Bytes new_image;
      EXPECT_EQ(Apply(golden->old_image, patch, &new_image), LIBDELTA_E_UNSUPPORTED);
      EXPECT_TRUE(new_image.empty());
      ++refused;
    }
  }
  EXPECT_EQ(refused, 12);
}

}  // namespace
}  // namespace libdelta::testing
