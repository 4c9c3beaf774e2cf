/* Both signature algorithms in one set of callbacks: SHA-256 and Ed25519 by libsodium, ECDSA P-256 by
 * Mbed TLS. For programs on a PC or an embedded Linux; the `fwdelta` command uses it. */
#ifndef LIBDELTA_ADAPTERS_HOST_CRYPTO_H_
#define LIBDELTA_ADAPTERS_HOST_CRYPTO_H_

#include "libdelta/adapters/sodium.h"
#include "libdelta/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The hash in progress. Owned by the caller, needs no initialisation and no release. */
typedef struct libdelta_host_crypto_state {
  libdelta_sodium_state hash;
} libdelta_host_crypto_state;

/** Callbacks that keep their state in `*state`, which must outlive the update. */
libdelta_crypto libdelta_host_crypto(libdelta_host_crypto_state *state);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* LIBDELTA_ADAPTERS_HOST_CRYPTO_H_ */
