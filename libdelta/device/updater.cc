// The updater: takes patch bytes in, authenticates them, hands them to the codec, verifies the result.
//
// Everything is collected before it is looked at: first the header, in three steps of known size, then
// one chunk at a time. A step states where it wants how many bytes; libdelta_push() copies them there,
// libdelta_apply_stored() reads them there, and the rest is common to both. state.h draws the RAM.

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "libdelta/device.h"
#include "libdelta/device/decoder.h"
#include "libdelta/device/digest.h"
#include "libdelta/device/policy.h"
#include "libdelta/device/state.h"
#include "libdelta/wire/format.h"
#include "libdelta/wire/header.h"

namespace libdelta {
namespace {

uint32_t ArenaSize(libdelta_updater *updater) {
  return static_cast<uint32_t>(updater->chunk - Arena(updater)) - kCarrySize;
}

// Lengths that FitsOffset() has accepted.
libdelta_offset OldLength(libdelta_updater *updater) {
  return static_cast<libdelta_offset>(updater->header.old_length);
}
libdelta_offset NewLength(libdelta_updater *updater) {
  return static_cast<libdelta_offset>(updater->header.new_length);
}
libdelta_offset PayloadLength(libdelta_updater *updater) {
  return static_cast<libdelta_offset>(updater->header.payload_length);
}

bool FitsOffset(uint64_t value) { return static_cast<libdelta_offset>(value) == value; }

#ifndef LIBDELTA_NO_ZSTD

// Output buffer of the zstd codec, at the start of the arena (FORMAT.md 4).
constexpr uint32_t kStreamOutput = 256;

bool HasCodec(const libdelta_config &config, uint8_t codec) {
  return codec == kCodecDelta || (codec == kCodecZstd && config.zstd != nullptr);
}

libdelta_status BeginStream(libdelta_updater *updater) {
  updater->written = 0;
  const uint32_t arena_size = ArenaSize(updater);
  if (arena_size < kStreamOutput) return LIBDELTA_E_MALFORMED;
  const int result = updater->config->zstd->begin(Arena(updater) + kStreamOutput, arena_size - kStreamOutput);
  return result == 0 ? LIBDELTA_NEED_INPUT : LIBDELTA_E_RAM;
}

// Feeds one chunk's data to the zstd codec, which takes all of it.
libdelta_status RunStream(libdelta_updater *updater, const uint8_t *input, uint32_t size, bool last) {
  const libdelta_config &config = *updater->config;
  uint8_t *output = Arena(updater);
  size_t used = 0;
  size_t produced;
  do {
    const size_t before = used;
    produced = 0;
    if (config.zstd->decode(output + kStreamOutput, input, size, &used, output, kStreamOutput, &produced) !=
            0 ||
        (produced == 0 && used == before && used != size) ||  // No progress: it would never end.
        produced > updater->header.new_length - updater->written) {
      return LIBDELTA_E_MALFORMED;
    }
    if (produced != 0 &&
        config.io.write_new(config.io.user, updater->written, output, static_cast<uint32_t>(produced)) != 0) {
      return LIBDELTA_E_WRITE_NEW;
    }
    updater->written += static_cast<libdelta_offset>(produced);
  } while (used != size || produced == kStreamOutput);  // A full buffer may have left output inside.
  if (!last) return LIBDELTA_NEED_INPUT;
  return updater->written == updater->header.new_length ? LIBDELTA_OK : LIBDELTA_E_MALFORMED;
}

#else

bool HasCodec(const libdelta_config &, uint8_t codec) { return codec == kCodecDelta; }

#endif

libdelta_status BeginCodec(libdelta_updater *updater) {
#ifndef LIBDELTA_NO_ZSTD
  if (updater->header.codec == kCodecZstd) return BeginStream(updater);
#endif
  return DecoderInit(&updater->decoder, &updater->config->io, Arena(updater), ArenaSize(updater),
                     OldLength(updater), NewLength(updater));
}

libdelta_status RunCodec(libdelta_updater *updater, const uint8_t *input, uint32_t size, bool last,
                         uint32_t *used) {
#ifndef LIBDELTA_NO_ZSTD
  if (updater->header.codec == kCodecZstd) {
    *used = size;
    return RunStream(updater, input, size, last);
  }
#endif
  return DecoderRun(&updater->decoder, input, size, last, used);
}

// All checks between a well-formed header and the first output byte. `form` is CheckForm()'s verdict.
libdelta_status CheckHeader(libdelta_updater *updater, libdelta_status form) {
  const libdelta_config &config = *updater->config;
  const WireHeader &header = updater->header;
  libdelta_status status = CheckSignatures(updater);
  if (status != LIBDELTA_OK) return status;
  if (form != LIBDELTA_OK || !HasCodec(config, header.codec) ||
      !FitsOffset(header.old_length | header.new_length | header.payload_length)) {
    return LIBDELTA_E_UNSUPPORTED;
  }
  status = CheckTarget(updater);
  if (status != LIBDELTA_OK) return status;
  if (header.ram + kExtraRam > updater->ram_size) return LIBDELTA_E_RAM;
  if (config.io.read_old == nullptr) return LIBDELTA_OK;
  return MatchDigest(updater, kImage, OldLength(updater), Fixed(updater).old_digest);
}

libdelta_status CheckNewImage(libdelta_updater *updater) {
  return MatchDigest(updater, kImage, NewLength(updater), updater->header.new_digest);
}

// Asks for the next chunk and returns its length.
uint32_t WantChunk(libdelta_updater *updater) {
  uint32_t length = updater->header.chunk_size;
  if (length > updater->payload_left) length = static_cast<uint32_t>(updater->payload_left);
  updater->next = updater->chunk;
  updater->missing = length;
  return length;
}

// The header has been accepted: starts at the first chunk. An empty image is finished already.
libdelta_status StartPayload(libdelta_updater *updater) {
  updater->payload_left = PayloadLength(updater);
  memcpy(updater->link, updater->header.first_link, kLinkSize);
  const uint32_t length = WantChunk(updater);
  if (updater->verify_only) return LIBDELTA_NEED_INPUT;
  if (updater->header.old_length != 0 && updater->config->io.read_old == nullptr) return LIBDELTA_E_ARGUMENT;
  return length == 0 ? CheckNewImage(updater) : BeginCodec(updater);
}

// All header bytes asked for are there: asks for more, or judges the header.
libdelta_status TakeHeader(libdelta_updater *updater) {
  const uint8_t *bytes = HeaderBytes(updater);
  const uint32_t length = static_cast<uint32_t>(updater->next - bytes);
  uint32_t needed = length;
  libdelta_status status = CheckForm(updater->header, bytes, length, &needed);
  updater->missing = needed - length;
  if (status != LIBDELTA_OK && status != LIBDELTA_E_UNSUPPORTED) return status;
  status = CheckHeader(updater, status);
  if (status != LIBDELTA_OK) return status;
  updater->in_header = false;
  // The chunk is the last part of the RAM.
  updater->chunk = Arena(updater) + updater->header.ram - kFixedRam - updater->header.chunk_size;
  return LIBDELTA_OK;
}

// Decodes authenticated bytes, those carried over first.
libdelta_status Decode(libdelta_updater *updater, uint8_t *data, uint32_t size, bool last) {
  uint8_t *chunk = updater->chunk;
  uint32_t unread = updater->carried;
  data -= unread;
  size += unread;
  memmove(data, chunk - unread, unread);

  uint32_t used = 0;
  const libdelta_status status = RunCodec(updater, data, size, last, &used);
  unread = size - used;
  if (status == LIBDELTA_NEED_INPUT && !last && unread <= kCarrySize) {
    memmove(chunk - unread, data + used, unread);
    updater->carried = static_cast<uint8_t>(unread);
    return status;
  }
  if (status == LIBDELTA_OK && last && unread == 0) return CheckNewImage(updater);
  // The codec failed, or it and the payload disagree about where the end is.
  return status <= LIBDELTA_NEED_INPUT ? LIBDELTA_E_MALFORMED : status;
}

// A whole chunk is there: verifies it, decodes it, and asks for the next one.
libdelta_status TakeChunk(libdelta_updater *updater) {
  uint8_t *data = updater->chunk;
  uint32_t size = static_cast<uint32_t>(updater->next - data);
  libdelta_status status = MatchDigest(updater, data, size, updater->link);
  if (status != LIBDELTA_OK) return status;

  updater->payload_left -= size;
  const bool last = WantChunk(updater) == 0;
  if (!last) {
    memcpy(updater->link, data, kLinkSize);
    data += kLinkSize;
    size -= kLinkSize;
  }
  return updater->verify_only ? LIBDELTA_NEED_INPUT : Decode(updater, data, size, last);
}

// Everything that was asked for is there.
libdelta_status Take(libdelta_updater *updater) {
  if (!updater->in_header) return TakeChunk(updater);
  const libdelta_status status = TakeHeader(updater);
  return status == LIBDELTA_OK ? StartPayload(updater) : status;
}

// Reads and takes the patch from `position` to its end, or to the end of `patch_size`.
libdelta_status TakeStored(libdelta_updater *updater, libdelta_offset position, libdelta_offset patch_size) {
  const libdelta_io &io = updater->config->io;
  libdelta_status status = LIBDELTA_NEED_INPUT;
  while (status == LIBDELTA_NEED_INPUT && updater->missing != 0) {
    const uint32_t length = updater->missing;
    if (length > patch_size - position) return LIBDELTA_E_TRUNCATED;
    if (io.read_patch(io.user, position, updater->next, length) != 0) return LIBDELTA_E_READ_PATCH;
    position += length;
    updater->next += length;
    status = Take(updater);
  }
  return status <= LIBDELTA_NEED_INPUT && position != patch_size ? LIBDELTA_E_TRAILING : status;
}

// Two passes: the first only authenticates. The second, if `decode`, trusts nothing but what the first
// left in the state: the storage may have changed in between, so every chunk is verified again.
libdelta_status RunStored(libdelta_updater *updater, libdelta_offset patch_size, bool decode) {
  if (updater == nullptr) return LIBDELTA_E_ARGUMENT;
  libdelta_status status = updater->status;
  if (status > LIBDELTA_NEED_INPUT) return status;
  // Not after bytes have been pushed.
  const bool is_fresh = updater->in_header && updater->next == HeaderBytes(updater);
  if (is_fresh && updater->config->io.read_patch != nullptr) {
    updater->verify_only = true;
    status = TakeStored(updater, 0, patch_size);
    updater->verify_only = false;
    if (status == LIBDELTA_NEED_INPUT) status = decode ? StartPayload(updater) : LIBDELTA_OK;
    if (status == LIBDELTA_NEED_INPUT) {
      status = TakeStored(updater, patch_size - PayloadLength(updater), patch_size);
    }
  } else {
    status = LIBDELTA_E_ARGUMENT;
  }
  updater->status = status;
  return status;
}

}  // namespace
}  // namespace libdelta

libdelta_status libdelta_parse_header(const uint8_t *bytes, size_t length, libdelta_header *header) {
  return libdelta::ParseHeader(bytes, length, header);
}

size_t libdelta_ram_required(uint64_t ram) {
  const uint64_t required = ram + libdelta::kExtraRam;
  // Never a small number for a huge `ram`: callers allocate what this returns.
  return required < ram || required > SIZE_MAX ? SIZE_MAX : static_cast<size_t>(required);
}

libdelta_status libdelta_init(void *ram, size_t size, const libdelta_config *config,
                              libdelta_updater **updater) {
  if (updater == nullptr) return LIBDELTA_E_ARGUMENT;
  *updater = nullptr;
  if (ram == nullptr || reinterpret_cast<uintptr_t>(ram) % 8 != 0 || config == nullptr ||
      !libdelta::IsUsableConfig(*config)) {
    return LIBDELTA_E_ARGUMENT;
  }
  if (size < libdelta::kMinRam + libdelta::kExtraRam) return LIBDELTA_E_RAM;
  libdelta_updater *created = static_cast<libdelta_updater *>(ram);
  memset(ram, 0, sizeof(*created));
  created->config = config;
  created->ram_size = size;
  created->status = LIBDELTA_NEED_INPUT;
  created->in_header = true;
  created->next = libdelta::HeaderBytes(created);
  created->missing = libdelta::kFixedHeaderSize;
  *updater = created;
  return LIBDELTA_NEED_INPUT;
}

libdelta_status libdelta_push(libdelta_updater *updater, const uint8_t *data, size_t length) {
  if (updater == nullptr) return LIBDELTA_E_ARGUMENT;
  libdelta_status status = updater->status;
  if (status == LIBDELTA_NEED_INPUT && data == nullptr && length != 0) status = LIBDELTA_E_ARGUMENT;
  while (status == LIBDELTA_NEED_INPUT && length != 0) {
    const uint32_t piece = length < updater->missing ? static_cast<uint32_t>(length) : updater->missing;
    memcpy(updater->next, data, piece);
    data += piece;
    length -= piece;
    updater->next += piece;
    updater->missing -= piece;
    if (updater->missing == 0) status = libdelta::Take(updater);
  }
  if (status == LIBDELTA_OK && length != 0) status = LIBDELTA_E_TRAILING;
  updater->status = status;
  return status;
}

libdelta_status libdelta_finish(libdelta_updater *updater) {
  if (updater == nullptr) return LIBDELTA_E_ARGUMENT;
  if (updater->status == LIBDELTA_NEED_INPUT) updater->status = LIBDELTA_E_TRUNCATED;
  return updater->status;
}

libdelta_status libdelta_apply_stored(libdelta_updater *updater, libdelta_offset patch_size) {
  return libdelta::RunStored(updater, patch_size, true);
}

libdelta_status libdelta_verify_stored(libdelta_updater *updater, libdelta_offset patch_size) {
  return libdelta::RunStored(updater, patch_size, false);
}
