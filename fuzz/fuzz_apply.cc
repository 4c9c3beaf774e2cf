// The whole device library on arbitrary patches and base images, pushed and stored.
//
// Input: options (1 byte), base length (2 bytes, little-endian), base, patch.
//   options & 1: repair the patch: set the base's digest and recompute the hash chain, so that hostile
//                bytes get past the checks that only a key holder could pass, to the codecs.
//   options >> 1: size of the pushed pieces minus 1.
// Needs a library that accepts unsigned patches (LIBDELTA_ALLOW_UNSIGNED); others refuse everything.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "libdelta/adapters/sodium.h"
#include "libdelta/adapters/zstd.h"
#include "libdelta/device.h"
#include "libdelta/host.h"
#include "tests/support/patches.h"

namespace {

using libdelta::Bytes;
using libdelta::ByteView;

// Writing fails here: bounds the time for patches that declare huge images.
constexpr size_t kSlotSize = 1 << 20;

void Require(bool condition) {
  if (!condition) std::abort();
}

struct Target {
  ByteView old_image;
  ByteView patch;
  uint64_t new_length = 0;  // As declared.
  Bytes new_image;
};

Target& From(void* user) { return *static_cast<Target*>(user); }

int Read(ByteView source, libdelta_offset offset, uint8_t* buffer, uint32_t length) {
  Require(length != 0);
  if (offset > source.size() || length > source.size() - offset) return -1;
  std::copy_n(source.begin() + static_cast<ptrdiff_t>(offset), length, buffer);
  return 0;
}

int ReadOld(void* user, libdelta_offset offset, uint8_t* buffer, uint32_t length) {
  // The base has at least the declared length, or its digest would not have matched.
  const int result = Read(From(user).old_image, offset, buffer, length);
  Require(result == 0 || From(user).new_image.empty());
  return result;
}

int WriteNew(void* user, libdelta_offset offset, const uint8_t* data, uint32_t length) {
  Target& target = From(user);
  Require(length != 0 && offset == target.new_image.size() && length <= target.new_length - offset);
  if (length > kSlotSize - offset) return -1;
  target.new_image.insert(target.new_image.end(), data, data + length);
  return 0;
}

int ReadNew(void* user, libdelta_offset offset, uint8_t* buffer, uint32_t length) {
  const int result = Read(From(user).new_image, offset, buffer, length);
  Require(result == 0);
  return result;
}

int ReadPatch(void* user, libdelta_offset offset, uint8_t* buffer, uint32_t length) {
  const int result = Read(From(user).patch, offset, buffer, length);
  Require(result == 0);
  return result;
}

class Run {
 public:
  Run(ByteView old_image, ByteView patch) {
    target_.old_image = old_image;
    target_.patch = patch;
    libdelta_header header;
    uint64_t ram = LIBDELTA_MIN_RAM;
    if (libdelta_parse_header(patch.data(), patch.size(), &header) == LIBDELTA_OK) {
      ram = header.ram;
      target_.new_length = header.new_length;
    }
    ram_size_ = libdelta_ram_required(ram);
    // Exactly as much as is needed, for the sanitizer to guard. operator new[] aligns it.
    ram_.reset(new uint8_t[ram_size_]);
    config_.io = {&target_, ReadOld, WriteNew, ReadNew, ReadPatch};
    config_.crypto = libdelta_sodium_crypto(&crypto_state_);
    config_.zstd = &libdelta_zstd_codec;
    if (libdelta_init(ram_.get(), ram_size_, &config_, &updater_) != LIBDELTA_NEED_INPUT) updater_ = nullptr;
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  bool is_ready() const { return updater_ != nullptr; }

  libdelta_status Push(size_t piece_size) {
    ByteView rest = target_.patch;
    while (!rest.empty()) {
      const ByteView piece = rest.first(std::min(piece_size, rest.size()));
      if (libdelta_push(updater_, piece.data(), piece.size()) > LIBDELTA_NEED_INPUT) break;
      rest = rest.subspan(piece.size());
    }
    return libdelta_finish(updater_);
  }

  libdelta_status ApplyStored() {
    return libdelta_apply_stored(updater_, static_cast<libdelta_offset>(target_.patch.size()));
  }

  const Bytes& new_image() const { return target_.new_image; }

 private:
  Target target_;
  libdelta_sodium_state crypto_state_{};
  libdelta_config config_{};
  size_t ram_size_ = 0;
  std::unique_ptr<uint8_t[]> ram_;
  libdelta_updater* updater_ = nullptr;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  const uint8_t options = data[0];
  const size_t old_length = std::min<size_t>(data[1] | data[2] << 8, size - 3);
  const ByteView old_image(data + 3, old_length);
  Bytes patch(data + 3 + old_length, data + size);
  if ((options & 1) != 0) libdelta::testing::RepairDigests(old_image, &patch);

  Run pushed(old_image, patch);
  Run stored(old_image, patch);
  if (!pushed.is_ready() || !stored.is_ready()) return 0;
  const libdelta_status push_status = pushed.Push((options >> 1) + size_t{1});
  const libdelta_status stored_status = stored.ApplyStored();
  Require(push_status != LIBDELTA_NEED_INPUT && stored_status != LIBDELTA_NEED_INPUT);
  // Which of several errors is found first may depend on the source; success may not.
  Require((push_status == LIBDELTA_OK) == (stored_status == LIBDELTA_OK));
  if (push_status == LIBDELTA_OK) Require(pushed.new_image() == stored.new_image());
  return 0;
}
