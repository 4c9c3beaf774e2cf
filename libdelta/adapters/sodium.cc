#include "libdelta/adapters/sodium.h"

namespace {

static_assert(crypto_sign_ed25519_BYTES == LIBDELTA_SIGNATURE_SIZE);
static_assert(crypto_hash_sha256_BYTES == LIBDELTA_SHA256_SIZE);

crypto_hash_sha256_state* HashState(void* user) { return &static_cast<libdelta_sodium_state*>(user)->sha256; }

int HashInit(void* user) { return crypto_hash_sha256_init(HashState(user)); }

int HashUpdate(void* user, const uint8_t* data, size_t length) {
  return crypto_hash_sha256_update(HashState(user), data, length);
}

int HashFinal(void* user, uint8_t* digest) { return crypto_hash_sha256_final(HashState(user), digest); }

}  // namespace

extern "C" libdelta_crypto libdelta_sodium_crypto(libdelta_sodium_state* state) {
  return libdelta_crypto{state, HashInit, HashUpdate, HashFinal, libdelta_sodium_verify};
}

extern "C" int libdelta_sodium_verify(void* /*user*/, const libdelta_key* key, const uint8_t* message,
                                      size_t length, const uint8_t* signature) {
  if (key->algorithm != LIBDELTA_ED25519) return -1;
  return crypto_sign_ed25519_verify_detached(signature, message, length, key->bytes);
}
