// The container around a codec's data: header, chunks and hash chain (FORMAT.md 2 and 3).
#ifndef LIBDELTA_HOST_CONTAINER_H_
#define LIBDELTA_HOST_CONTAINER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "libdelta/device.h"
#include "libdelta/host.h"
#include "libdelta/wire/format.h"

namespace libdelta {

// A typed value in the signed header. Odd types are critical (FORMAT.md 2.1).
struct Extension {
  uint64_t type = 0;
  Bytes value;
};

// What Pack() writes into the header. The views must outlive the call.
struct HeaderFields {
  uint8_t codec = kCodecDelta;
  std::string hardware;  // Each at most kMaxId bytes, printable and without spaces.
  std::string component;
  uint32_t counter = 0;
  ByteView old_image;  // Empty if the payload needs no base. Images have at most kMaxLength bytes.
  ByteView new_image;
  uint32_t chunk_size = kMinChunk;  // kMinChunk .. kMaxChunk.
  // kMinRam .. kMaxRam, a multiple of kRamUnit, at least RamForArena(0, chunk_size).
  uint64_t ram = kMinRam;
  std::vector<Extension> extensions;  // Types at most 65535, strictly increasing.
};

// Cuts `payload_data` (what the codec will read; empty exactly when the new image is) into chunks,
// chains them and puts an unsigned header in front. Errors: a field out of its range.
Result<Bytes> Pack(ByteView payload_data, const HeaderFields& fields);

// Payload bytes, links included, that Pack() makes of `data_size` bytes: data plus kLinkSize for each
// chunk but the last. `chunk_size` as in HeaderFields.
uint64_t DataSizeToPayloadSize(uint64_t data_size, uint32_t chunk_size);

// The RAM it takes for a codec that needs `arena` bytes (FORMAT.md 3.3). Headers declare a multiple of
// kRamUnit.
constexpr uint64_t RamForArena(uint64_t arena, uint32_t chunk_size, bool in_place = false) {
  return uint64_t{in_place ? kInPlaceFixedRam : kFixedRam} + kCarrySize + chunk_size + arena;
}

// The extension for updates in place.
Extension GeometryExtension(const InPlaceLayout& layout);

// Bytes of the signed header.
uint32_t SignedSize(const HeaderFields& fields);

// The arena that a zstd frame needs (FORMAT.md 4), given its window size and its content size.
constexpr uint64_t ZstdArena(uint64_t window_size, uint64_t new_length) {
  const uint64_t block = window_size < 131072 ? window_size : 131072;
  const uint64_t window = window_size + block + 131136;
  return 256 + 102400 + block + (new_length < window ? new_length : window);
}

// Parses the header of a patch for a host tool. Pointers in the result point into `patch`. Errors: not
// a patch, unknown version, truncated or malformed header.
Result<libdelta_header> ReadHeader(ByteView patch);

}  // namespace libdelta

#endif  // LIBDELTA_HOST_CONTAINER_H_
