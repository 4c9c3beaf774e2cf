// The updater's state and the layout of the caller's RAM behind it.
#ifndef LIBDELTA_DEVICE_STATE_H_
#define LIBDELTA_DEVICE_STATE_H_

#include <stddef.h>
#include <stdint.h>

#include "libdelta/device.h"
#include "libdelta/device/decoder.h"
#include "libdelta/device/in_place.h"
#include "libdelta/wire/format.h"
#include "libdelta/wire/header.h"

// Small members first: Cortex-M0+ reaches bytes only up to 31 and words up to 124 bytes from the base.
struct libdelta_updater {
  const libdelta_config *config;
  uint8_t *next;               // Where the next patch byte goes,
  uint32_t missing;            // and how many go there before the next step.
  uint8_t *chunk;              // Where chunks are collected.
  libdelta_status status : 8;  // One byte, however large the type is.
  bool in_header;              // Collecting the header or judging it, no chunk yet.
  bool verify_only;            // First pass over a stored patch: chunks are not decoded.
  uint8_t carried;             // Unread bytes in front of the chunk.
  size_t ram_size;
#ifndef LIBDELTA_NO_IN_PLACE
#ifndef LIBDELTA_NO_TWO_SLOT
  libdelta_io io;  // The images' callbacks: the caller's, or the slot through `in_place`.
#endif
  libdelta::InPlace in_place;
#else
  static constexpr libdelta::InPlace in_place{};
#endif
  libdelta::WireHeader header;   // As it came; what follows it in the patch overlays what follows here.
  libdelta_offset payload_left;  // Not yet taken.
#ifndef LIBDELTA_NO_ZSTD
  libdelta_offset written;  // By the zstd codec; the libdelta codec counts for itself.
#endif
#ifdef LIBDELTA_NO_IN_PLACE
  uint8_t link[libdelta::kLinkSize];  // Of the chunk being collected.
#endif
  libdelta::Decoder decoder;
};

namespace libdelta {

static_assert(kDecoderLookahead == kCarrySize, "the format fixes what a decoder may leave unread");

constexpr uint32_t kStateSize = (sizeof(libdelta_updater) + 7) & ~7u;
static_assert(sizeof(void *) > 4 || sizeof(libdelta_offset) > 4 || kStateSize <= kInPlaceFixedRam,
              "the state must fit in its part of the RAM dial");

// What the state needs beyond its part of the RAM dial.
constexpr uint32_t ExtraRam(uint32_t fixed) { return kStateSize > fixed ? kStateSize - fixed : 0; }
constexpr uint32_t kExtraRam = ExtraRam(kHasTwoSlot ? kFixedRam : kInPlaceFixedRam);

inline uint32_t FixedRam(const libdelta_updater *updater) {
  return updater->in_place.active() ? kInPlaceFixedRam : kFixedRam;
}

// Bytes to work in while no payload is in RAM, behind the longest header.
constexpr uint32_t kScratchSize = 512;
static_assert(offsetof(libdelta_updater, header) + kMaxHeader + kScratchSize <= kMinRam + kExtraRam,
              "the scratch area must fit in the smallest RAM");

// The caller's RAM:
//
//   collecting the header:  | state up to `header` | rest of the header | scratch      |
//   taking the payload:     | state       | arena         | carried bytes, 56 | chunk  |
//   verifying the result:   | state up to `header` |                    | scratch      |
//
// The payload needs only what is in `header` of the patch's header, so decoder and arena may
// overwrite the rest of it. The bytes that the codec left unread in one chunk are moved up to where the
// data of the next one starts.
inline uint8_t *HeaderBytes(libdelta_updater *updater) {
  return reinterpret_cast<uint8_t *>(updater) + offsetof(libdelta_updater, header);
}
inline const FixedHeader &Fixed(libdelta_updater *updater) {
  return *reinterpret_cast<const FixedHeader *>(HeaderBytes(updater));
}
// The images' callbacks, if there are any.
inline const libdelta_io &Io(const libdelta_updater *updater) {
#if defined(LIBDELTA_NO_IN_PLACE) || defined(LIBDELTA_NO_TWO_SLOT)
  return updater->config->io;
#else
  return updater->io;
#endif
}
// Of the chunk being collected.
inline uint8_t *Link(libdelta_updater *updater) {
#ifndef LIBDELTA_NO_IN_PLACE
  return updater->in_place.source().links[2];
#else
  return updater->link;
#endif
}
inline uint8_t *Scratch(libdelta_updater *updater) { return HeaderBytes(updater) + kMaxHeader; }
inline uint8_t *Arena(libdelta_updater *updater) { return reinterpret_cast<uint8_t *>(updater) + kStateSize; }

}  // namespace libdelta

#endif  // LIBDELTA_DEVICE_STATE_H_
