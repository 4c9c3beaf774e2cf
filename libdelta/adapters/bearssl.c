#include "libdelta/adapters/bearssl.h"

#include <string.h>

static int hash_init(void *user) {
  br_sha256_init(&((libdelta_bearssl_state *)user)->sha256);
  return 0;
}

static int hash_update(void *user, const uint8_t *data, size_t length) {
  br_sha256_update(&((libdelta_bearssl_state *)user)->sha256, data, length);
  return 0;
}

static int hash_final(void *user, uint8_t digest[LIBDELTA_SHA256_SIZE]) {
  br_sha256_out(&((libdelta_bearssl_state *)user)->sha256, digest);
  return 0;
}

libdelta_crypto libdelta_bearssl_crypto(libdelta_bearssl_state *state) {
#ifdef LIBDELTA_NO_P256
  const libdelta_crypto crypto = {state, hash_init, hash_update, hash_final, NULL};
#else
  const libdelta_crypto crypto = {state, hash_init, hash_update, hash_final, libdelta_bearssl_verify};
#endif
  return crypto;
}

#ifndef LIBDELTA_NO_P256

enum { NUMBER_SIZE = 32 }; /* Of a coordinate, and of r and s. */

static int is_zero(const uint8_t *number) {
  uint8_t any = 0;
  for (unsigned i = 0; i < NUMBER_SIZE; i++) any |= number[i];
  return any == 0;
}

int libdelta_bearssl_verify(void *user, const libdelta_key *key, const uint8_t *message, size_t length,
                            const uint8_t signature[LIBDELTA_SIGNATURE_SIZE]) {
  br_sha256_context hash;
  uint8_t digest[LIBDELTA_SHA256_SIZE];
  uint8_t point[1 + 2 * NUMBER_SIZE];
  const br_ec_public_key public_key = {BR_EC_secp256r1, point, sizeof(point)};
  (void)user;
  if (key->algorithm != LIBDELTA_P256) return -1;
  /* Not left to the arithmetic: BearSSL checks upper bounds only. */
  if (is_zero(signature) || is_zero(signature + NUMBER_SIZE)) return -1;
  br_sha256_init(&hash);
  br_sha256_update(&hash, message, length);
  br_sha256_out(&hash, digest);
  point[0] = 4; /* "Uncompressed", SEC 1 section 2.3.3. */
  memcpy(point + 1, key->bytes, 2 * NUMBER_SIZE);
  /* Decoding checks that the point is on the curve. */
  return br_ecdsa_i15_vrfy_raw(&br_ec_prime_i15, digest, sizeof(digest), &public_key, signature,
                               LIBDELTA_SIGNATURE_SIZE) == 1
             ? 0
             : -1;
}

#endif
