/* SHA-256 and Ed25519 for the device library, by libsodium (1.0.12 or newer).
 *
 * P-256 keys are refused: libsodium has no NIST curves. A device that trusts both kinds of keys gives
 * libdelta_crypto.verify a function of its own that calls libdelta_sodium_verify() or
 * libdelta_mbedtls_verify() by key->algorithm, as host_crypto.cc does.
 *
 * Signatures are checked strictly: S below the group order, canonical encodings, no key and no R of
 * small order. So nobody can turn a valid signature into another valid one.
 *
 * sodium_init() is not required; after it libsodium uses the fastest code for the CPU.
 */
#ifndef LIBDELTA_ADAPTERS_SODIUM_H_
#define LIBDELTA_ADAPTERS_SODIUM_H_

#include <sodium.h>

#include "libdelta/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The hash in progress. Owned by the caller, needs no initialisation and no release. */
typedef struct libdelta_sodium_state {
  crypto_hash_sha256_state sha256;
} libdelta_sodium_state;

/** Callbacks that keep their state in `*state`, which must outlive the update. */
libdelta_crypto libdelta_sodium_crypto(libdelta_sodium_state *state);

/** The verify callback by itself: 0 only for a valid Ed25519 signature. `user` is not used. */
int libdelta_sodium_verify(void *user, const libdelta_key *key, const uint8_t *message, size_t length,
                           const uint8_t signature[LIBDELTA_SIGNATURE_SIZE]);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* LIBDELTA_ADAPTERS_SODIUM_H_ */
