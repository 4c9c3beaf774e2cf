/* SHA-256 and ECDSA P-256 for the device library, by Mbed TLS 2.28.
 *
 * Ed25519 keys are refused: Mbed TLS has no Edwards curves. To trust both kinds of keys see sodium.h.
 *
 * A signature is valid only with r and s in [1, n - 1] and a public key on the curve; the key is
 * checked again at every call. (r, n - s) is as valid as (r, s), as ECDSA defines it: hardware
 * signers emit both, and nothing in a patch depends on the bytes of a signature.
 *
 * The configuration must enable MBEDTLS_SHA256_C, MBEDTLS_ECDSA_C and MBEDTLS_ECP_DP_SECP256R1_ENABLED.
 * Hashing uses no heap; verifying a signature uses Mbed TLS's big numbers, which do
 * (MBEDTLS_MEMORY_BUFFER_ALLOC_C puts them in a static buffer).
 */
#ifndef LIBDELTA_ADAPTERS_MBEDTLS_H_
#define LIBDELTA_ADAPTERS_MBEDTLS_H_

#include <mbedtls/sha256.h>

#include "libdelta/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The hash in progress. Owned by the caller. */
typedef struct libdelta_mbedtls_state {
  mbedtls_sha256_context sha256;
} libdelta_mbedtls_state;

/** Initialises `*state` and returns callbacks that use it; it must outlive the update. */
libdelta_crypto libdelta_mbedtls_crypto(libdelta_mbedtls_state *state);

/** Releases what a hardware SHA-256 (MBEDTLS_SHA256_ALT) may still hold after an update that failed.
 *  Not needed with Mbed TLS's own SHA-256. */
void libdelta_mbedtls_release(libdelta_mbedtls_state *state);

/** The verify callback by itself: 0 only for a valid P-256 signature. `user` is not used. */
int libdelta_mbedtls_verify(void *user, const libdelta_key *key, const uint8_t *message, size_t length,
                            const uint8_t signature[LIBDELTA_SIGNATURE_SIZE]);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* LIBDELTA_ADAPTERS_MBEDTLS_H_ */
