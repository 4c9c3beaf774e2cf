// SHA-256 of images and of bytes in RAM, over the caller's callbacks.
#ifndef LIBDELTA_DEVICE_DIGEST_H_
#define LIBDELTA_DEVICE_DIGEST_H_

#include <stddef.h>
#include <stdint.h>

#include "libdelta/device.h"

namespace libdelta {

// `bytes` for the image at hand, which is read piece by piece into the scratch area: the base while the
// header is judged, the new image afterwards.
constexpr const uint8_t *kImage = nullptr;

// digest = SHA-256 of `length` bytes in RAM or of the image. OK, E_HASH or the error of the image's read
// callback.
libdelta_status ComputeDigest(libdelta_updater *updater, const uint8_t *bytes, libdelta_offset length,
                              uint8_t *digest);

// Compares the digest with `expected`: that of the new image in the header as a whole, others as far as links
// and the old image's go. In addition to the above, E_CHUNK, E_OLD_DIGEST or E_NEW_DIGEST. The comparison is
// not constant-time, for nothing here is secret.
libdelta_status MatchDigest(libdelta_updater *updater, const uint8_t *bytes, libdelta_offset length,
                            const uint8_t *expected);

}  // namespace libdelta

#endif  // LIBDELTA_DEVICE_DIGEST_H_
