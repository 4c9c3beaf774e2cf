#include "libdelta/wire/header.h"

#include <string.h>

#include "libdelta/wire/cursor.h"

namespace libdelta {
namespace {

constexpr uint32_t kStart =
    kMagic[0] | kMagic[1] << 8 | kMagic[2] << 16 | uint32_t{kVersionMark | kFormatVersion} << 24;

#ifndef LIBDELTA_NO_IN_PLACE
constexpr uint32_t kKnownExtension = kInPlaceExtension;
#else
constexpr uint32_t kKnownExtension = 0;
#endif

bool HasGoodFields(const WireHeader &header) {
  const uint32_t units = header.ram_units;
  const uint32_t chunk_size = header.chunk_size;
  return chunk_size >= kMinChunk && chunk_size <= kMaxChunk && units >= kMinRam / kRamUnit &&
         units <= kMaxRam / kRamUnit && header.ram() >= kFixedRam + kCarrySize + chunk_size &&
         header.hardware_length <= kMaxId && header.component_length <= kMaxId &&
         (header.payload_length() == 0) == (header.new_length() == 0) &&
         // A zstd payload always carries a whole image.
         (header.codec != kCodecZstd || header.old_length() == 0);
}

// OK if all extensions are known or may be ignored, UNSUPPORTED if not, MALFORMED if they are not
// well-formed.
libdelta_status CheckExtensions(const uint8_t *bytes, uint32_t length) {
  Cursor cursor(bytes, length);
  libdelta_status status = LIBDELTA_OK;
  uint32_t minimum = kInPlaceExtension;
  while (cursor.left() != 0) {
    const uint8_t *start = cursor.Span(4);
    if (start == nullptr || cursor.Span(LoadU16(start + 2)) == nullptr) return LIBDELTA_E_MALFORMED;
    const uint32_t type = LoadU16(start);
    if (type < minimum) return LIBDELTA_E_MALFORMED;
    if ((type & 1) != 0 && type != kKnownExtension) status = LIBDELTA_E_UNSUPPORTED;
    minimum = type + 1;
  }
  return status;
}

}  // namespace

libdelta_status CheckForm(const WireHeader &header, const uint8_t *bytes, size_t length, uint32_t *needed) {
  if (header.start != kStart) return LIBDELTA_E_VERSION;
  const uint32_t signed_length = header.signed_length;
  const uint32_t ids_end = kFixedHeaderSize + header.hardware_length + header.component_length;
  if (!HasGoodFields(header) || signed_length < ids_end || signed_length >= kMaxHeader) {
    return LIBDELTA_E_MALFORMED;
  }
  *needed = signed_length + 1;
  if (length <= signed_length) return LIBDELTA_NEED_INPUT;

  const uint8_t *entry = bytes + signed_length;
  uint32_t count = *entry++;
  const uint32_t header_length = signed_length + 1 + count * kSignatureEntrySize;
  if (count > kMaxSignatures || header_length > kMaxHeader) return LIBDELTA_E_MALFORMED;
  *needed = header_length;
  if (length < header_length) return LIBDELTA_NEED_INPUT;

  for (; count > 1; --count, entry += kSignatureEntrySize) {
    if (memcmp(entry, entry + kSignatureEntrySize, kKeyIdSize) >= 0) return LIBDELTA_E_MALFORMED;
  }
  for (const uint8_t *id = bytes + kFixedHeaderSize; id != bytes + ids_end; ++id) {
    if (*id < 0x21 || *id > 0x7e) return LIBDELTA_E_MALFORMED;
  }
  return CheckExtensions(bytes + ids_end, signed_length - ids_end);
}

libdelta_status ParseHeader(const uint8_t *bytes, size_t length, libdelta_header *header) {
  if (length < kFixedHeaderSize) {
    header->header_length = kFixedHeaderSize;
    Little<uint32_t> start;
    start = kStart;
    const bool is_prefix =
        length == 0 || memcmp(bytes, &start, length < sizeof(start) ? length : sizeof(start)) == 0;
    return is_prefix ? LIBDELTA_NEED_INPUT : LIBDELTA_E_VERSION;
  }
  FixedHeader fixed;  // Aligned.
  memcpy(&fixed, bytes, kFixedHeaderSize);
  const WireHeader &wire = fixed.kept;
  uint32_t needed = 0;
  const libdelta_status status = CheckForm(wire, bytes, length, &needed);
  header->header_length = static_cast<uint16_t>(needed);
  if (status != LIBDELTA_OK && status != LIBDELTA_E_UNSUPPORTED) return status;

  header->version = kFormatVersion;
  header->codec = wire.codec;
  header->signature_count = bytes[wire.signed_length];
  header->hardware_length = wire.hardware_length;
  header->component_length = wire.component_length;
  header->hardware = bytes + kFixedHeaderSize;
  header->component = header->hardware + wire.hardware_length;
  header->counter = fixed.counter;
  header->old_length = wire.old_length();
  header->new_length = wire.new_length();
  header->payload_length = wire.payload_length();
  header->ram = wire.ram();
  header->chunk_size = wire.chunk_size;
  header->old_digest = wire.old_length() != 0 ? bytes + offsetof(FixedHeader, old_digest) : nullptr;
  header->new_digest = bytes + offsetof(WireHeader, new_digest);
  header->first_link = wire.payload_length() != 0 ? bytes + offsetof(WireHeader, first_link) : nullptr;
  header->extensions = header->component + wire.component_length;
  header->signed_length = wire.signed_length;
  header->extensions_length = static_cast<uint16_t>(bytes + wire.signed_length - header->extensions);
  return LIBDELTA_OK;
}

}  // namespace libdelta
