// Encoder and device library together: what Encode() makes must apply and give the new image.
//
// Input: options (1 byte), pieces (1 byte), old length (2 bytes, little-endian), old image, new image.
//   options & 7: RAM; options >> 3 & 3: chunk size; options >> 5 & 3: group size; options >> 7: whole image.
//   pieces: size of the pushed pieces minus 1; 255: the patch is stored.
// Needs a library that accepts unsigned patches (LIBDELTA_ALLOW_UNSIGNED).
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "libdelta/adapters/sodium.h"
#include "libdelta/adapters/zstd.h"
#include "libdelta/device.h"
#include "libdelta/host.h"

namespace {

using libdelta::Bytes;
using libdelta::ByteView;

constexpr size_t kMaxImage = 6000;
constexpr uint64_t kRams[8] = {2048, 2304, 3072, 4096, 5000, 8192, 65536, 1 << 20};
constexpr uint32_t kChunks[4] = {256, 264, 301, 1024};
constexpr uint64_t kGroups[4] = {0, 64, 128, 4096};

void Require(bool condition) {
  if (!condition) std::abort();
}

struct Target {
  ByteView old_image;
  ByteView patch;
  Bytes new_image;
};

Target& From(void* user) { return *static_cast<Target*>(user); }

// The device library reads only what is there.
int Read(ByteView source, libdelta_offset offset, uint8_t* buffer, uint32_t length) {
  Require(length != 0 && offset <= source.size() && length <= source.size() - offset);
  std::memcpy(buffer, source.data() + offset, length);
  return 0;
}

int ReadOld(void* user, libdelta_offset offset, uint8_t* buffer, uint32_t length) {
  return Read(From(user).old_image, offset, buffer, length);
}

int ReadNew(void* user, libdelta_offset offset, uint8_t* buffer, uint32_t length) {
  return Read(From(user).new_image, offset, buffer, length);
}

int ReadPatch(void* user, libdelta_offset offset, uint8_t* buffer, uint32_t length) {
  return Read(From(user).patch, offset, buffer, length);
}

int WriteNew(void* user, libdelta_offset offset, const uint8_t* data, uint32_t length) {
  Bytes& image = From(user).new_image;
  Require(length != 0 && offset == image.size());
  image.insert(image.end(), data, data + length);
  return 0;
}

libdelta_status Push(libdelta_updater* updater, ByteView patch, size_t piece_size) {
  while (!patch.empty()) {
    const ByteView piece = patch.first(std::min(piece_size, patch.size()));
    if (libdelta_push(updater, piece.data(), piece.size()) > LIBDELTA_NEED_INPUT) break;
    patch = patch.subspan(piece.size());
  }
  return libdelta_finish(updater);
}

libdelta_status Apply(Target* target, uint64_t declared_ram, uint8_t pieces) {
  libdelta_sodium_state hash;
  libdelta_config config = {};
  config.io = {target, ReadOld, WriteNew, ReadNew, ReadPatch};
  config.crypto = libdelta_sodium_crypto(&hash);
  config.zstd = &libdelta_zstd_codec;
  const size_t ram_size = libdelta_ram_required(declared_ram);
  // Exactly as much as is needed, for the sanitizer to guard. operator new[] aligns it.
  const std::unique_ptr<uint8_t[]> ram(new uint8_t[ram_size]);
  libdelta_updater* updater = nullptr;
  Require(libdelta_init(ram.get(), ram_size, &config, &updater) == LIBDELTA_NEED_INPUT);
  if (pieces != 255) return Push(updater, target->patch, pieces + size_t{1});
  return libdelta_apply_stored(updater, static_cast<libdelta_offset>(target->patch.size()));
}

libdelta::EncodeOptions OptionsFrom(uint8_t bits) {
  libdelta::EncodeOptions options;
  options.ram = kRams[bits & 7];
  options.chunk = kChunks[bits >> 3 & 3];
  options.group = kGroups[bits >> 5 & 3];
  options.threads = 1;
  if ((bits >> 7) != 0) options.kind = libdelta::PayloadKind::kFullOnly;
  // Room for a model: the encoder refuses combinations that leave none.
  if (options.chunk + 1600 > options.ram) options.chunk = 256;
  return options;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 4) return 0;
  const libdelta::EncodeOptions options = OptionsFrom(data[0]);
  const size_t old_size = std::min({static_cast<size_t>(data[2] | data[3] << 8), size - 4, kMaxImage});
  const ByteView old_image(data + 4, old_size);
  const ByteView rest(data + 4 + old_size, data + size);
  const ByteView new_image = rest.first(std::min(rest.size(), kMaxImage));

  const auto patch = libdelta::Encode(old_image, new_image, options);
  if (!patch.ok()) std::fprintf(stderr, "Encode: %s\n", patch.error().c_str());
  Require(patch.ok());
  Target target{old_image, patch.value().bytes, {}};
  const libdelta_status status = Apply(&target, options.ram, data[1]);
  if (status != LIBDELTA_OK) std::fprintf(stderr, "apply: %s\n", libdelta_status_text(status));
  Require(status == LIBDELTA_OK);
  Require(std::equal(new_image.begin(), new_image.end(), target.new_image.begin(), target.new_image.end()));
  return 0;
}
