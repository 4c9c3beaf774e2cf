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
#include "libdelta/wire/cursor.h"
#include "libdelta/wire/format.h"
#include "libdelta/wire/header.h"

namespace libdelta {
namespace {

uint32_t ArenaSize(libdelta_updater *updater) {
  return static_cast<uint32_t>(updater->chunk - Arena(updater)) - kCarrySize;
}

// Lengths that FitsOffset() has accepted.
libdelta_offset OldLength(libdelta_updater *updater) {
  return static_cast<libdelta_offset>(updater->header.old_length());
}
libdelta_offset NewLength(libdelta_updater *updater) {
  return static_cast<libdelta_offset>(updater->header.new_length());
}
libdelta_offset PayloadLength(libdelta_updater *updater) {
  return static_cast<libdelta_offset>(updater->header.payload_length());
}

bool FitsOffset(const WireHeader &header) {
  return sizeof(libdelta_offset) > sizeof(uint32_t) || !header.HasLongLengths();
}

#ifndef LIBDELTA_NO_ZSTD

constexpr bool kHasZstd = true;

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
        produced > NewLength(updater) - updater->written) {
      return LIBDELTA_E_MALFORMED;
    }
    if (produced != 0 &&
        config.io.write_new(config.io.user, updater->written, output, static_cast<uint32_t>(produced)) != 0) {
      return LIBDELTA_E_WRITE_NEW;
    }
    updater->written += static_cast<libdelta_offset>(produced);
  } while (used != size || produced == kStreamOutput);  // A full buffer may have left output inside.
  if (!last) return LIBDELTA_NEED_INPUT;
  return updater->written == NewLength(updater) ? LIBDELTA_OK : LIBDELTA_E_MALFORMED;
}

#else

constexpr bool kHasZstd = false;

bool HasCodec(const libdelta_config &, uint8_t codec) { return codec == kCodecDelta; }

#endif

#ifndef LIBDELTA_NO_IN_PLACE

InPlace *SlotOf(libdelta_updater *updater) { return &updater->in_place; }

// Whether the patch is for this flash, or for none if there is none.
bool FitsFlash(libdelta_updater *updater) {
  const WireHeader &header = updater->header;
  const InPlace &slot = updater->in_place;
  // No type precedes the extension's.
  const uint8_t *bytes = HeaderBytes(updater);
  const uint8_t *extension = bytes + kFixedHeaderSize + header.hardware_length + header.component_length;
  const bool is_in_place =
      extension != bytes + header.signed_length && LoadU16(extension) == kInPlaceExtension;
  if (!slot.active() || !is_in_place) return slot.active() == is_in_place;
  return (!kHasZstd || header.codec == kCodecDelta) && NewLength(updater) != 0 &&
         header.ram() >= kInPlaceFixedRam + kCarrySize + header.chunk_size &&
         slot.MatchesGeometry(extension + 2) && InPlace::Longest(header) <= slot.slot_size();
}

#else

InPlace *SlotOf(libdelta_updater *) { return nullptr; }
bool FitsFlash(libdelta_updater *) { return true; }

#endif

libdelta_status BeginCodec(libdelta_updater *updater) {
#ifndef LIBDELTA_NO_ZSTD
  if (updater->header.codec == kCodecZstd) return BeginStream(updater);
#endif
  return DecoderInit(&updater->decoder, &Io(updater), SlotOf(updater), Arena(updater), ArenaSize(updater),
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

// Whether the patch carries a whole image and needs no base.
bool IsWhole(libdelta_updater *updater) { return OldLength(updater) == 0; }

// All checks of a well-formed header but that of the old image. `form` is CheckForm()'s verdict.
libdelta_status CheckHeader(libdelta_updater *updater, libdelta_status form) {
  const libdelta_config &config = *updater->config;
  const WireHeader &header = updater->header;
  libdelta_status status = CheckSignatures(updater);
  if (status != LIBDELTA_OK) return status;
  if (form != LIBDELTA_OK || !HasCodec(config, header.codec) || !FitsOffset(header) ||
      (!kAcceptsWhole && IsWhole(updater))) {
    return LIBDELTA_E_UNSUPPORTED;
  }
  status = CheckTarget(updater);
  if (status != LIBDELTA_OK) return status;
  if (!FitsFlash(updater)) return LIBDELTA_E_GEOMETRY;
  const uint32_t fixed = FixedRam(updater);
  // The chunk is the last part of the RAM.
  updater->chunk = Arena(updater) + header.ram() - fixed - header.chunk_size;
  return header.ram() + ExtraRam(fixed) > updater->ram_size ? LIBDELTA_E_RAM : LIBDELTA_OK;
}

// Whether the image at hand is the new one.
libdelta_status CheckNewDigest(libdelta_updater *updater) {
  return MatchDigest(updater, kImage, NewLength(updater), updater->header.new_digest);
}

bool HasOldImage(const libdelta_updater *updater) { return !kHasTwoSlot || Io(updater).read_old != nullptr; }

libdelta_status CheckOldImage(libdelta_updater *updater) {
  if (!HasOldImage(updater)) return LIBDELTA_OK;
  const libdelta_status status = MatchDigest(updater, kImage, OldLength(updater), Fixed(updater).old_digest);
  if (status != LIBDELTA_E_OLD_DIGEST || !updater->in_place.active()) return status;
  return CheckNewDigest(updater) == LIBDELTA_OK ? LIBDELTA_E_ALREADY_DONE : status;
}

// Whether the update may begin here.
libdelta_status CheckBase(libdelta_updater *updater) {
  libdelta_status status = LIBDELTA_OK;
  if (updater->in_place.active()) status = updater->in_place.CheckJournal(updater->header);
  return status == LIBDELTA_OK ? CheckOldImage(updater) : status;
}

libdelta_status CheckNewImage(libdelta_updater *updater) {
  const libdelta_status status = CheckNewDigest(updater);
  if (!updater->in_place.active()) return status;
  if (status == LIBDELTA_OK) return updater->in_place.Finish();
  if (status == LIBDELTA_E_NEW_DIGEST) updater->in_place.Abandon();
  return status;
}

// Asks for the next chunk and returns its length.
uint32_t WantChunk(libdelta_updater *updater) {
  uint32_t length = updater->header.chunk_size;
  if (length > updater->payload_left) length = static_cast<uint32_t>(updater->payload_left);
  updater->next = updater->chunk;
  updater->missing = length;
  return length;
}

// Asks for the first chunk, which has that link, and returns its length.
uint32_t StartAt(libdelta_updater *updater, libdelta_offset payload_left, const uint8_t *link) {
  updater->payload_left = payload_left;
  memcpy(Link(updater), link, kLinkSize);
  return WantChunk(updater);
}

// The header has been accepted: starts at the first chunk. An empty image is finished already.
libdelta_status StartPayload(libdelta_updater *updater) {
  const bool is_whole = kAcceptsWhole && IsWhole(updater);
  if (updater->in_place.active() && !updater->verify_only) {
    const uint32_t length = static_cast<uint32_t>(updater->next - HeaderBytes(updater));
    const libdelta_status status = updater->in_place.Begin(updater->header, length);
    if (status != LIBDELTA_NEED_INPUT) return status;
  }
  const uint32_t length = StartAt(updater, PayloadLength(updater), updater->header.first_link);
  if (updater->verify_only) return LIBDELTA_NEED_INPUT;
  if (!is_whole && !HasOldImage(updater)) return LIBDELTA_E_ARGUMENT;
  return kHasTwoSlot && length == 0 ? CheckNewImage(updater) : BeginCodec(updater);
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
  // The old image of an update that goes on was checked when that began.
  if (!updater->in_place.resumes()) status = CheckBase(updater);
  if (status != LIBDELTA_OK) return status;
  updater->in_header = false;
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

#ifndef LIBDELTA_NO_IN_PLACE

// Tells where what is decoded next comes from, before the chunk is consumed. Returns how many of its data
// bytes are left out.
uint32_t NoteSource(libdelta_updater *updater) {
  PatchSource &source = updater->in_place.source();
  const uint32_t skip = updater->in_place.TakeSkip();
  memmove(source.links[0], source.links[1], sizeof(source.links) - kLinkSize);
  source.payload_left = static_cast<uint32_t>(updater->payload_left);
  source.chunk_size = updater->header.chunk_size;
  source.carried = static_cast<int16_t>(updater->carried - skip);
  return skip;
}

#else

uint32_t NoteSource(libdelta_updater *) { return 0; }

#endif

// A whole chunk is there: verifies it, decodes it, and asks for the next one.
libdelta_status TakeChunk(libdelta_updater *updater) {
  uint8_t *data = updater->chunk;
  uint32_t size = static_cast<uint32_t>(updater->next - data);
  libdelta_status status = MatchDigest(updater, data, size, Link(updater));
  if (status != LIBDELTA_OK) return status;

  const uint32_t skipped = NoteSource(updater);
  updater->payload_left -= size;
  const bool last = WantChunk(updater) == 0;
  if (!last) {
    memcpy(Link(updater), data, kLinkSize);
    data += kLinkSize;
    size -= kLinkSize;
  }
  if (skipped > size) return LIBDELTA_E_MALFORMED;
  data += skipped;
  size -= skipped;
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

void WantHeader(libdelta_updater *updater) {
  updater->in_header = true;
  updater->next = HeaderBytes(updater);
  updater->missing = kFixedHeaderSize;
}

// The second pass. In place it begins with the header, which the journal takes up.
libdelta_status StartStored(libdelta_updater *updater, libdelta_offset patch_size) {
  if (updater->in_place.active()) {
    WantHeader(updater);
    return TakeStored(updater, 0, patch_size);
  }
  const libdelta_status status = StartPayload(updater);
  return status == LIBDELTA_NEED_INPUT ? TakeStored(updater, patch_size - PayloadLength(updater), patch_size)
                                       : status;
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
    if (status == LIBDELTA_NEED_INPUT) status = decode ? StartStored(updater, patch_size) : LIBDELTA_OK;
  } else if (updater->in_place.resumes() && updater->config->io.read_patch != nullptr) {
    status = TakeStored(updater, patch_size - updater->payload_left, patch_size);
  } else {
    status = LIBDELTA_E_ARGUMENT;
  }
  updater->status = status;
  return status;
}

#ifndef LIBDELTA_NO_IN_PLACE
#ifndef LIBDELTA_NO_TWO_SLOT

// The slot as images.
InPlace &Slot(void *user) { return static_cast<libdelta_updater *>(user)->in_place; }

int ReadOldSlot(void *user, libdelta_offset offset, uint8_t *buffer, uint32_t length) {
  return Slot(user).Read(static_cast<uint32_t>(offset), buffer, length, true) ? 0 : -1;
}
int ReadNewSlot(void *user, libdelta_offset offset, uint8_t *buffer, uint32_t length) {
  return Slot(user).Read(static_cast<uint32_t>(offset), buffer, length, false) ? 0 : -1;
}
int WriteNewSlot(void *user, libdelta_offset offset, const uint8_t *data, uint32_t length) {
  return Slot(user).WriteNew(static_cast<uint32_t>(offset), data, length) ? 0 : -1;
}

#endif

// Checks the journal's header, which has been read, as if it came with a patch.
libdelta_status AcceptHeader(libdelta_updater *updater) {
  updater->in_place.Resume();
  updater->next = HeaderBytes(updater) + updater->in_place.header_length();
  const libdelta_status status = TakeHeader(updater);
  return updater->missing != 0 ? LIBDELTA_E_MALFORMED : status;
}

// Goes on where the journal says. Its header has been accepted.
libdelta_status TakeJournal(libdelta_updater *updater) {
  InPlace &slot = updater->in_place;
  const JournalRecord &record = slot.record();
  if (record.skip == kAbandoned) return LIBDELTA_E_IN_PROGRESS;
  const uint32_t payload_left = record.chunk.payload_left;
  if (payload_left == 0 || payload_left > PayloadLength(updater)) return LIBDELTA_E_MALFORMED;
  slot.SetSkip(record.skip);
  StartAt(updater, payload_left, record.chunk.link);
  return BeginCodec(updater);
}

// Whether records say that an update is finished or not, the slot has the last word: a record may have been
// torn, or be an old one that somebody has put back.
libdelta_status Recover(libdelta_updater *updater, libdelta_recovery *recovery, libdelta_offset *feed_from) {
  InPlace &slot = updater->in_place;
  *recovery = LIBDELTA_IDLE;
  if (!slot.Find()) return LIBDELTA_OK;
  *recovery = LIBDELTA_STRANDED;
  if (!slot.ReadHeader(HeaderBytes(updater))) return LIBDELTA_E_FLASH;
  updater->in_header = false;
  // What was being written when power failed may not be readable.
  const libdelta_status digest = CheckNewDigest(updater);
  libdelta_status status = digest;
  if (slot.record().skip != kFinished && digest != LIBDELTA_E_HASH) {
    status = AcceptHeader(updater);
    if (status != LIBDELTA_OK) return status;
    // Without a trace of the last record, what was written last could read otherwise after the next reset.
    if (digest != LIBDELTA_OK || !slot.HasTrace()) {
      status = TakeJournal(updater);
      if (status != LIBDELTA_NEED_INPUT) return status;
      *recovery = LIBDELTA_RESUME;
      *feed_from = slot.header_length() + PayloadLength(updater) - updater->payload_left;
      return status;
    }
    status = slot.Finish();
  }
  if (status == LIBDELTA_OK) *recovery = LIBDELTA_FINISHED;
  return status;
}

#else

libdelta_status Recover(libdelta_updater *, libdelta_recovery *, libdelta_offset *) {
  return LIBDELTA_E_ARGUMENT;
}

#endif

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
  libdelta::WantHeader(created);
#ifdef LIBDELTA_NO_TWO_SLOT
  created->in_place.Start(config->flash);
#elif !defined(LIBDELTA_NO_IN_PLACE)
  created->io = config->io;
  if (config->flash != nullptr) {
    created->in_place.Start(config->flash);
    created->io = {created, libdelta::ReadOldSlot, libdelta::WriteNewSlot, libdelta::ReadNewSlot, nullptr};
  }
#endif
  *updater = created;
  return LIBDELTA_NEED_INPUT;
}

libdelta_status libdelta_recover(libdelta_updater *updater, libdelta_recovery *recovery,
                                 libdelta_offset *feed_from) {
  if (updater == nullptr || recovery == nullptr || feed_from == nullptr || !updater->in_place.active() ||
      updater->status != LIBDELTA_NEED_INPUT) {
    return LIBDELTA_E_ARGUMENT;
  }
  updater->status = libdelta::Recover(updater, recovery, feed_from);
  return updater->status;
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
