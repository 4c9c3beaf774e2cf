// The libdelta codec's decoder on hostile data, without container: nothing is verified on the way here, so
// every bound must be the decoder's own.
//
// Input: arena size, new length, old length (2 bytes each, little-endian), piece size (1), old image, data.
// The first two are taken modulo small limits, which bounds the time that the smallest groups take.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "libdelta/device.h"
#include "libdelta/device/decoder.h"
#include "libdelta/device/in_place.h"
#include "libdelta/host.h"

namespace {

using libdelta::Bytes;
using libdelta::ByteView;
using libdelta::kDecoderLookahead;

void Require(bool condition) {
  if (!condition) std::abort();
}

struct Images {
  ByteView old_image;
  size_t new_length = 0;
  Bytes new_image;
};

Images& From(void* user) { return *static_cast<Images*>(user); }

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

int WriteNew(void* user, libdelta_offset offset, const uint8_t* data, uint32_t length) {
  Images& images = From(user);
  Require(length != 0 && offset == images.new_image.size() && length <= images.new_length - offset);
  images.new_image.insert(images.new_image.end(), data, data + length);
  return 0;
}

struct Outcome {
  libdelta_status status;
  Bytes new_image;
};

struct Input {
  uint32_t arena_size;
  size_t new_length;
  ByteView old_image;
  ByteView data;
};

// Presents the data as the updater does: unread bytes again, in front of `piece_size` more.
Outcome Decode(const Input& input, size_t piece_size) {
  Images images{input.old_image, input.new_length, {}};
  const libdelta_io io = {&images, ReadOld, WriteNew, ReadNew, nullptr};
  // Exactly the arena, for the sanitizer to guard. operator new[] aligns it.
  const std::unique_ptr<uint8_t[]> arena(new uint8_t[input.arena_size]);
  auto decoder = std::make_unique<libdelta::Decoder>();
  libdelta::InPlace elsewhere{};
  libdelta_status status = DecoderInit(decoder.get(), &io, &elsewhere, arena.get(), input.arena_size,
                                       static_cast<libdelta_offset>(input.old_image.size()),
                                       static_cast<libdelta_offset>(input.new_length));
  ByteView left = input.data;
  Bytes unread;
  while (status == LIBDELTA_NEED_INPUT && !left.empty()) {
    const ByteView piece = left.first(std::min(piece_size, left.size()));
    left = left.subspan(piece.size());
    const size_t size = unread.size() + piece.size();
    const std::unique_ptr<uint8_t[]> buffer(new uint8_t[size]);
    std::copy(unread.begin(), unread.end(), buffer.get());
    std::copy(piece.begin(), piece.end(), buffer.get() + unread.size());
    uint32_t used = 0;
    status = DecoderRun(decoder.get(), buffer.get(), static_cast<uint32_t>(size), left.empty(), &used);
    Require(used <= size);
    if (status == LIBDELTA_NEED_INPUT) Require(!left.empty() && size - used <= kDecoderLookahead);
    unread.assign(buffer.get() + used, buffer.get() + size);
  }
  // The payload must end where the image does.
  if (status == LIBDELTA_OK && !(left.empty() && unread.empty())) status = LIBDELTA_E_MALFORMED;
  return {status, std::move(images.new_image)};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 8) return 0;
  const auto number = [&](size_t at) { return static_cast<uint32_t>(data[at] | data[at + 1] << 8); };
  const uint32_t arena_size = number(0) % 16384;
  const size_t new_length = number(2) % 8192;
  const size_t old_size = std::min<size_t>(number(4), size - 8);
  const size_t piece_size = data[6] + size_t{1};
  const ByteView old_image(data + 7, old_size);
  const ByteView payload(data + 7 + old_size, data + size);
  // The updater never calls the decoder for an empty image.
  if (new_length == 0) return 0;
  const Input input{arena_size, new_length, old_image, payload};

  const Outcome whole = Decode(input, payload.size());
  const Outcome pieces = Decode(input, piece_size);
  Require((whole.status == LIBDELTA_OK) == (pieces.status == LIBDELTA_OK));
  if (whole.status != LIBDELTA_OK) return 0;
  Require(whole.new_image.size() == new_length && whole.new_image == pieces.new_image);
  return 0;
}
