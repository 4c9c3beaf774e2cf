#include "libdelta/adapters/tinyssh.h"

#include <crypto_sign_ed25519.h>
#include <string.h>

enum { NUMBER_SIZE = 32 };

/* Of the group of RFC 8032 section 5.1: 2^252 + 27742317777372353535851937790883648493, little-endian. */
static const uint8_t group_order[NUMBER_SIZE] = {
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10};

static int is_below_order(const uint8_t *number) {
  unsigned i = NUMBER_SIZE;
  while (i-- > 0) {
    if (number[i] != group_order[i]) return number[i] < group_order[i];
  }
  return 0;
}

int libdelta_tinyssh_verify(void *user, const libdelta_key *key, const uint8_t *message, size_t length,
                            const uint8_t signature[LIBDELTA_SIGNATURE_SIZE]) {
  uint8_t joined[LIBDELTA_SIGNATURE_SIZE + LIBDELTA_TINYSSH_MOST];
  uint8_t opened[sizeof(joined)];
  unsigned long long opened_length = 0;
  (void)user;
  if (key->algorithm != LIBDELTA_ED25519 || length > LIBDELTA_TINYSSH_MOST) return -1;
  /* TinySSH only looks at the three highest bits of S. */
  if (!is_below_order(signature + NUMBER_SIZE)) return -1;
  memcpy(joined, signature, LIBDELTA_SIGNATURE_SIZE);
  memcpy(joined + LIBDELTA_SIGNATURE_SIZE, message, length);
  return crypto_sign_ed25519_open(opened, &opened_length, joined, LIBDELTA_SIGNATURE_SIZE + length,
                                  key->bytes) == 0
             ? 0
             : -1;
}
