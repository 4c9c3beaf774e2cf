#include "libdelta/device/digest.h"

#include <string.h>

#include "libdelta/device/state.h"

namespace libdelta {
namespace {

// Of the image at hand, into the scratch area. Not 0: it failed.
int ReadImage(libdelta_updater *updater, const libdelta_io &io, libdelta_offset offset, uint32_t size) {
  uint8_t *to = Scratch(updater);
#ifdef LIBDELTA_NO_TWO_SLOT
  (void)io;
  return updater->in_place.Read(static_cast<uint32_t>(offset), to, size, updater->in_header) ? 0 : -1;
#else
  return (updater->in_header ? io.read_old : io.read_new)(io.user, offset, to, size);
#endif
}

}  // namespace

libdelta_status ComputeDigest(libdelta_updater *updater, const uint8_t *bytes, libdelta_offset length,
                              uint8_t *digest) {
  const libdelta_crypto &crypto = updater->config->crypto;
  const libdelta_io &io = Io(updater);
  if (crypto.sha256_init(crypto.user) != 0) return LIBDELTA_E_HASH;
  libdelta_offset offset = 0;
  while (offset != length) {
    const uint8_t *data = bytes;
    const libdelta_offset left = length - offset;
    uint32_t piece = static_cast<uint32_t>(left);
    if (bytes == kImage) {
      if (left > kScratchSize) piece = kScratchSize;
      data = Scratch(updater);
      if (ReadImage(updater, io, offset, piece) != 0) {
        return updater->in_header ? LIBDELTA_E_READ_OLD : LIBDELTA_E_READ_NEW;
      }
    }
    if (crypto.sha256_update(crypto.user, data, piece) != 0) return LIBDELTA_E_HASH;
    offset += piece;
  }
  return crypto.sha256_final(crypto.user, digest) != 0 ? LIBDELTA_E_HASH : LIBDELTA_OK;
}

libdelta_status MatchDigest(libdelta_updater *updater, const uint8_t *bytes, libdelta_offset length,
                            const uint8_t *expected) {
  uint8_t digest[kDigestSize];
  const libdelta_status status = ComputeDigest(updater, bytes, length, digest);
  if (status != LIBDELTA_OK) return status;
  const bool is_whole = expected == updater->header.new_digest;
  if (memcmp(digest, expected, is_whole ? kDigestSize : kLinkSize) == 0) return LIBDELTA_OK;
  if (bytes != kImage) return LIBDELTA_E_CHUNK;
  return updater->in_header ? LIBDELTA_E_OLD_DIGEST : LIBDELTA_E_NEW_DIGEST;
}

}  // namespace libdelta
