#include "libdelta/adapters/psa.h"

#include <string.h>

enum { NUMBER_SIZE = 32 }; /* Of a coordinate. */

/* The previous computation may have been abandoned. */
static int hash_init(void *user) {
  psa_hash_operation_t *hash = &((libdelta_psa_state *)user)->hash;
  return psa_hash_abort(hash) == PSA_SUCCESS && psa_hash_setup(hash, PSA_ALG_SHA_256) == PSA_SUCCESS ? 0 : -1;
}

static int hash_update(void *user, const uint8_t *data, size_t length) {
  return psa_hash_update(&((libdelta_psa_state *)user)->hash, data, length) == PSA_SUCCESS ? 0 : -1;
}

static int hash_final(void *user, uint8_t digest[LIBDELTA_SHA256_SIZE]) {
  size_t length = 0;
  const psa_status_t status =
      psa_hash_finish(&((libdelta_psa_state *)user)->hash, digest, LIBDELTA_SHA256_SIZE, &length);
  return status == PSA_SUCCESS && length == LIBDELTA_SHA256_SIZE ? 0 : -1;
}

libdelta_crypto libdelta_psa_crypto(libdelta_psa_state *state) {
  const libdelta_crypto crypto = {state, hash_init, hash_update, hash_final, libdelta_psa_verify};
  state->hash = psa_hash_operation_init();
  return crypto;
}

void libdelta_psa_release(libdelta_psa_state *state) { (void)psa_hash_abort(&state->hash); }

/* With a public key of one of the two kinds. */
static int verify_with(psa_key_type_t type, size_t bits, psa_algorithm_t algorithm, const uint8_t *key,
                       size_t key_size, const uint8_t *message, size_t length, const uint8_t *signature) {
  psa_key_attributes_t attributes = psa_key_attributes_init();
  psa_key_id_t id = 0;
  psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_VERIFY_MESSAGE);
  psa_set_key_algorithm(&attributes, algorithm);
  psa_set_key_type(&attributes, type);
  psa_set_key_bits(&attributes, bits);
  /* Checks that the point is on the curve. */
  if (psa_import_key(&attributes, key, key_size, &id) != PSA_SUCCESS) return -1;
  const psa_status_t status =
      psa_verify_message(id, algorithm, message, length, signature, LIBDELTA_SIGNATURE_SIZE);
  return psa_destroy_key(id) == PSA_SUCCESS && status == PSA_SUCCESS ? 0 : -1;
}

int libdelta_psa_verify(void *user, const libdelta_key *key, const uint8_t *message, size_t length,
                        const uint8_t signature[LIBDELTA_SIGNATURE_SIZE]) {
  (void)user;
#ifndef LIBDELTA_NO_P256
  if (key->algorithm == LIBDELTA_P256) {
    uint8_t point[1 + 2 * NUMBER_SIZE];
    point[0] = 4; /* "Uncompressed", SEC 1 section 2.3.3. */
    memcpy(point + 1, key->bytes, 2 * NUMBER_SIZE);
    return verify_with(PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1), 256,
                       PSA_ALG_ECDSA(PSA_ALG_SHA_256), point, sizeof(point), message, length, signature);
  }
#endif
#ifndef LIBDELTA_NO_ED25519
  if (key->algorithm == LIBDELTA_ED25519) {
    return verify_with(PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_TWISTED_EDWARDS), 255, PSA_ALG_PURE_EDDSA,
                       key->bytes, NUMBER_SIZE, message, length, signature);
  }
#endif
  return -1;
}
