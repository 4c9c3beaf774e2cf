// The patch header (FORMAT.md 2): its fixed part, and the parser, the same code for host and device.
#ifndef LIBDELTA_WIRE_HEADER_H_
#define LIBDELTA_WIRE_HEADER_H_

#include <stddef.h>
#include <stdint.h>

#include "libdelta/device.h"
#include "libdelta/wire/format.h"
#include "libdelta/wire/little.h"

namespace libdelta {

// The header from its first byte on, as far as an applier needs it until the end. Every field is
// aligned, so the collected bytes are used in place.
struct WireHeader {
  Little<uint32_t> start;  // Magic and version.
  Little<uint16_t> signed_length;
  Little<uint16_t> chunk_size;
  Little<uint32_t> old_low;  // Of the lengths, bits 0 .. 31; bits 32 .. 39 come below.
  Little<uint32_t> new_low;
  Little<uint32_t> payload_low;
  Little<uint16_t> ram_units;
  uint8_t codec;
  uint8_t old_high;
  Little<uint16_t> new_and_payload_high;  // One byte each: two loads less on Cortex-M0+.
  uint8_t hardware_length;
  uint8_t component_length;
  uint8_t new_digest[kDigestSize];
  uint8_t first_link[kLinkSize];

  uint64_t old_length() const { return Length(old_low, old_high); }
  uint64_t new_length() const { return Length(new_low, static_cast<uint8_t>(new_and_payload_high)); }
  uint64_t payload_length() const {
    return Length(payload_low, static_cast<uint8_t>(new_and_payload_high >> 8));
  }
  // Of 2^32 or more.
  bool HasLongLengths() const { return (old_high | new_and_payload_high) != 0; }
  uint32_t ram() const { return uint32_t{ram_units} * kRamUnit; }

 private:
  static uint64_t Length(uint32_t low, uint8_t high) { return uint64_t{high} << 32 | low; }
};

// The whole fixed part. Hardware, component and extensions follow it.
struct FixedHeader {
  WireHeader kept;
  uint8_t old_digest[kOldDigestSize];
  Little<uint32_t> counter;
};
constexpr uint32_t kFixedHeaderSize = 96;
static_assert(sizeof(WireHeader) == 76 && offsetof(FixedHeader, old_digest) == 76 &&
                  offsetof(FixedHeader, counter) + 4 == kFixedHeaderSize,
              "no padding");

// Judges the form of a header of which `length` bytes, at least kFixedHeaderSize, are there. `header` is
// the start of `bytes`, aligned. OK; UNSUPPORTED if it is well-formed and has a critical extension;
// NEED_INPUT, MALFORMED or VERSION as libdelta_parse_header(). *needed is set with the first three: how
// many bytes from the start of the patch it takes to say more; above `length` with NEED_INPUT, at most
// LIBDELTA_MAX_HEADER, and the length of a header that is complete. Offering exactly those bytes again
// reads a header in three steps without touching anything behind it.
libdelta_status CheckForm(const WireHeader &header, const uint8_t *bytes, size_t length, uint32_t *needed);

// As libdelta_parse_header(). In addition, header->header_length is what is needed with NEED_INPUT; other
// fields are set only with OK.
libdelta_status ParseHeader(const uint8_t *bytes, size_t length, libdelta_header *header);

}  // namespace libdelta

#endif  // LIBDELTA_WIRE_HEADER_H_
