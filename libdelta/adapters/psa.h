/* SHA-256, ECDSA P-256 and Ed25519 for the device library, by the PSA Cryptography API 1.0: Mbed TLS 2.28 and
 * 3, TF-M, and vendors' engines behind it, which hash and verify in hardware.
 *
 * psa_crypto_init() has to be called before. What of the two algorithms an implementation does not have it
 * refuses by itself; Mbed TLS has no Ed25519. LIBDELTA_NO_P256 and LIBDELTA_NO_ED25519 leave the code out.
 * For a signature check the key is imported and destroyed again, so a free key slot is needed.
 *
 * Not part of the library's archives: compile psa.c together with your firmware.
 */
#ifndef LIBDELTA_ADAPTERS_PSA_H_
#define LIBDELTA_ADAPTERS_PSA_H_

#include <psa/crypto.h>

#include "libdelta/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The hash in progress. Owned by the caller. */
typedef struct libdelta_psa_state {
  psa_hash_operation_t hash;
} libdelta_psa_state;

/** Initialises `*state` and returns callbacks that use it; it must outlive the update. */
libdelta_crypto libdelta_psa_crypto(libdelta_psa_state *state);

/** Releases what the implementation may still hold for a hash after an update that failed. */
void libdelta_psa_release(libdelta_psa_state *state);

/** The verify callback by itself: 0 only for a valid signature. `user` is not used. */
int libdelta_psa_verify(void *user, const libdelta_key *key, const uint8_t *message, size_t length,
                        const uint8_t signature[LIBDELTA_SIGNATURE_SIZE]);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* LIBDELTA_ADAPTERS_PSA_H_ */
