// SHA-256 on the host.
#ifndef LIBDELTA_HOST_SHA256_H_
#define LIBDELTA_HOST_SHA256_H_

#include <sodium/crypto_hash_sha256.h>

#include <array>
#include <cstdint>

#include "libdelta/host.h"

namespace libdelta {

using Digest = std::array<uint8_t, crypto_hash_sha256_BYTES>;

inline Digest Sha256(ByteView bytes) {
  Digest digest;
  crypto_hash_sha256(digest.data(), bytes.data(), bytes.size());  // Pure C: needs no sodium_init().
  return digest;
}

}  // namespace libdelta

#endif  // LIBDELTA_HOST_SHA256_H_
