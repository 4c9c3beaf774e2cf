#include "tests/support/decoding.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "libdelta/device/decoder.h"
#include "libdelta/device/in_place.h"

namespace libdelta::testing {
namespace {

BoundedImages& From(void* user) { return *static_cast<BoundedImages*>(user); }

std::string Access(const char* what, uint32_t length, uint64_t offset, uint64_t size) {
  return std::string(what) + " " + std::to_string(length) + " bytes at " + std::to_string(offset) + " of " +
         std::to_string(size);
}

}  // namespace

void BoundedImages::Report(const std::string& what) {
  if (problem.empty()) problem = what;
}

bool BoundedImages::Read(ByteView source, uint64_t offset, uint8_t* buffer, uint32_t length) {
  if (length == 0 || offset > source.size() || length > source.size() - offset) {
    Report(Access("reads", length, offset, source.size()));
    return false;
  }
  std::memcpy(buffer, source.data() + offset, length);
  return true;
}

bool BoundedImages::ReadOld(uint64_t offset, uint8_t* buffer, uint32_t length) {
  return Read(old_image, offset, buffer, length);
}

bool BoundedImages::ReadNew(uint64_t offset, uint8_t* buffer, uint32_t length) {
  return Read(new_image, offset, buffer, length);
}

bool BoundedImages::WriteNew(uint64_t offset, const uint8_t* data, uint32_t length) {
  if (length == 0 || offset != new_image.size() || length > new_length - offset) {
    Report(Access("writes", length, offset, new_length));
    return false;
  }
  new_image.insert(new_image.end(), data, data + length);
  return true;
}

libdelta_io BoundedImages::Callbacks() {
  libdelta_io io{};
  io.user = this;
  io.read_old = [](void* user, libdelta_offset offset, uint8_t* buffer, uint32_t length) {
    return From(user).ReadOld(offset, buffer, length) ? 0 : -1;
  };
  io.write_new = [](void* user, libdelta_offset offset, const uint8_t* data, uint32_t length) {
    return From(user).WriteNew(offset, data, length) ? 0 : -1;
  };
  io.read_new = [](void* user, libdelta_offset offset, uint8_t* buffer, uint32_t length) {
    return From(user).ReadNew(offset, buffer, length) ? 0 : -1;
  };
  return io;
}

DecodeOutcome DecodeInPieces(const DecodeInput& input, size_t piece_size) {
  BoundedImages images{input.old_image, input.new_length};
  const libdelta_io io = images.Callbacks();
  // operator new[] aligns it.
  const std::unique_ptr<uint8_t[]> arena(new uint8_t[input.arena_size]);
  std::memset(arena.get(), 0xa5, input.arena_size);
  const auto decoder = std::make_unique<Decoder>();
  std::memset(static_cast<void*>(decoder.get()), 0x5a, sizeof(Decoder));
  InPlace elsewhere{};
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
    if (used > size) {
      images.Report("uses " + std::to_string(used) + " of " + std::to_string(size) + " bytes");
      break;
    }
    if (status == LIBDELTA_NEED_INPUT && (left.empty() || size - used > kDecoderLookahead)) {
      images.Report("wants more after " + std::to_string(used) + " of " + std::to_string(size) + " bytes");
    }
    unread.assign(buffer.get() + used, buffer.get() + size);
  }
  return {status, std::move(images.new_image), unread.size() + left.size(), std::move(images.problem)};
}

}  // namespace libdelta::testing
