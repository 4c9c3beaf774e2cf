/* SHA-256 and ECDSA P-256 for the device library, by BearSSL (0.6): made for bare metal, no heap, constant
 * time.
 *
 * Which code is used: the "i15" numbers, for CPUs whose multiplier gives 32 bits (Cortex-M0, M0+), in their
 * generic form. With -Os on a Cortex-M0 that is 7.5 KB of flash and 3.6 KiB of stack for SHA-256 and one
 * verification; BearSSL's code for this one curve (br_ec_p256_m15) is faster and twice as large. Bigger CPUs
 * may prefer br_ec_p256_m31 and br_ecdsa_i31_vrfy_raw.
 *
 * Ed25519 keys are refused: BearSSL has no Ed25519 (tinyssh.h has). Not part of the library's archives:
 * compile bearssl.c together with BearSSL's sources (tools/bootloader/build.sh names those that are needed).
 */
#ifndef LIBDELTA_ADAPTERS_BEARSSL_H_
#define LIBDELTA_ADAPTERS_BEARSSL_H_

#include <bearssl.h>

#include "libdelta/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The hash in progress. Owned by the caller, needs no initialisation and no release. */
typedef struct libdelta_bearssl_state {
  br_sha256_context sha256;
} libdelta_bearssl_state;

/** Callbacks that keep their state in `*state`, which must outlive the update. With LIBDELTA_NO_P256 `verify`
 * is null: another library's goes there. */
libdelta_crypto libdelta_bearssl_crypto(libdelta_bearssl_state *state);

/** The verify callback by itself: 0 only for a valid P-256 signature. `user` is not used. */
int libdelta_bearssl_verify(void *user, const libdelta_key *key, const uint8_t *message, size_t length,
                            const uint8_t signature[LIBDELTA_SIGNATURE_SIZE]);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* LIBDELTA_ADAPTERS_BEARSSL_H_ */
