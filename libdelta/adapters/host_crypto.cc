#include "libdelta/adapters/host_crypto.h"

#include "libdelta/adapters/mbedtls.h"

namespace {

// Each library refuses the algorithm it does not know, and both refuse a number that is neither.
int Verify(void* user, const libdelta_key* key, const uint8_t* message, size_t length,
           const uint8_t* signature) {
  if (key->algorithm == LIBDELTA_P256) {
    return libdelta_mbedtls_verify(user, key, message, length, signature);
  }
  return libdelta_sodium_verify(user, key, message, length, signature);
}

}  // namespace

extern "C" libdelta_crypto libdelta_host_crypto(libdelta_host_crypto_state* state) {
  libdelta_crypto crypto = libdelta_sodium_crypto(&state->hash);
  crypto.verify = Verify;
  return crypto;
}
