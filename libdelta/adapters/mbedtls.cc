#include "libdelta/adapters/mbedtls.h"

#include <mbedtls/ecdsa.h>
#include <mbedtls/ecp.h>
#include <string.h>

namespace {

constexpr size_t kNumberSize = 32;  // Of a coordinate, and of r and s.

mbedtls_sha256_context* HashState(void* user) { return &static_cast<libdelta_mbedtls_state*>(user)->sha256; }

// The previous computation may have been abandoned, so its context is released first.
int HashInit(void* user) {
  mbedtls_sha256_free(HashState(user));
  mbedtls_sha256_init(HashState(user));
  return mbedtls_sha256_starts_ret(HashState(user), /*is224=*/0);
}

int HashUpdate(void* user, const uint8_t* data, size_t length) {
  return mbedtls_sha256_update_ret(HashState(user), data, length);
}

int HashFinal(void* user, uint8_t* digest) { return mbedtls_sha256_finish_ret(HashState(user), digest); }

// Everything one verification allocates, released on every way out.
struct EcdsaNumbers {
  EcdsaNumbers() {
    mbedtls_ecp_group_init(&group);
    mbedtls_ecp_point_init(&key);
    mbedtls_mpi_init(&r);
    mbedtls_mpi_init(&s);
  }
  ~EcdsaNumbers() {
    mbedtls_mpi_free(&s);
    mbedtls_mpi_free(&r);
    mbedtls_ecp_point_free(&key);
    mbedtls_ecp_group_free(&group);
  }
  EcdsaNumbers(const EcdsaNumbers&) = delete;
  EcdsaNumbers& operator=(const EcdsaNumbers&) = delete;

  mbedtls_ecp_group group;
  mbedtls_ecp_point key;
  mbedtls_mpi r;
  mbedtls_mpi s;
};

// Reads x || y and checks that it is a point of the curve other than infinity.
int ReadKey(const uint8_t* coordinates, EcdsaNumbers* numbers) {
  uint8_t point[1 + 2 * kNumberSize];
  point[0] = 4;  // "Uncompressed", SEC 1 section 2.3.3.
  memcpy(point + 1, coordinates, 2 * kNumberSize);
  int result = mbedtls_ecp_point_read_binary(&numbers->group, &numbers->key, point, sizeof(point));
  if (result != 0) return result;
  return mbedtls_ecp_check_pubkey(&numbers->group, &numbers->key);
}

}  // namespace

extern "C" libdelta_crypto libdelta_mbedtls_crypto(libdelta_mbedtls_state* state) {
  mbedtls_sha256_init(&state->sha256);
  return libdelta_crypto{state, HashInit, HashUpdate, HashFinal, libdelta_mbedtls_verify};
}

extern "C" void libdelta_mbedtls_release(libdelta_mbedtls_state* state) {
  mbedtls_sha256_free(&state->sha256);
}

extern "C" int libdelta_mbedtls_verify(void* /*user*/, const libdelta_key* key, const uint8_t* message,
                                       size_t length, const uint8_t* signature) {
  if (key->algorithm != LIBDELTA_P256) return -1;
  uint8_t digest[LIBDELTA_SHA256_SIZE];
  int result = mbedtls_sha256_ret(message, length, digest, /*is224=*/0);
  if (result != 0) return result;
  EcdsaNumbers numbers;
  result = mbedtls_ecp_group_load(&numbers.group, MBEDTLS_ECP_DP_SECP256R1);
  if (result != 0) return result;
  result = ReadKey(key->bytes, &numbers);
  if (result != 0) return result;
  result = mbedtls_mpi_read_binary(&numbers.r, signature, kNumberSize);
  if (result != 0) return result;
  result = mbedtls_mpi_read_binary(&numbers.s, signature + kNumberSize, kNumberSize);
  if (result != 0) return result;
  // Refuses r and s outside [1, n - 1].
  return mbedtls_ecdsa_verify(&numbers.group, digest, sizeof(digest), &numbers.key, &numbers.r, &numbers.s);
}
