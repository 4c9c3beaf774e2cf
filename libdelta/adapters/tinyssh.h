/* Ed25519 signatures for the device library, by the code of TinySSH (20230101): small, no heap, constant
 * time, CC0. It has no SHA-256; take that from another library:
 *
 *   config.crypto = libdelta_bearssl_crypto(&hash_state);  // Compiled with LIBDELTA_NO_P256: SHA-256 only.
 *   config.crypto.verify = libdelta_tinyssh_verify;
 *
 * P-256 keys are refused. A device that trusts both kinds of keys gives libdelta_crypto.verify a function of
 * its own that calls this one or libdelta_bearssl_verify() by key->algorithm.
 *
 * Signatures whose S is not below the group order are refused, so nobody can turn a valid signature into
 * another valid one. Not part of the library's archives: compile tinyssh.c together with TinySSH's sources
 * (tools/crypto_sources.sh fetches Debian's and names those that are needed; tools/bootloader/build.sh
 * compiles them).
 */
#ifndef LIBDELTA_ADAPTERS_TINYSSH_H_
#define LIBDELTA_ADAPTERS_TINYSSH_H_

#include "libdelta/device.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { LIBDELTA_TINYSSH_MOST = 64 /**< Longest message, bytes. The library's have 56. */ };

/** The verify callback: 0 only for a valid Ed25519 signature. `user` is not used. */
int libdelta_tinyssh_verify(void *user, const libdelta_key *key, const uint8_t *message, size_t length,
                            const uint8_t signature[LIBDELTA_SIGNATURE_SIZE]);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* LIBDELTA_ADAPTERS_TINYSSH_H_ */
