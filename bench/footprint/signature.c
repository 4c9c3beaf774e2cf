/* The least that needs SHA-256 and one signature check, VERIFY of an adapter; bench/footprint.sh links it.
 * Its own code is not counted. */
#include "libdelta/adapters/bearssl.h"
#include "tools/bootloader/memory.c"

int VERIFY(void *user, const libdelta_key *key, const uint8_t *message, size_t length,
           const uint8_t *signature);

extern libdelta_bearssl_state config; /* Absolute symbols: the board's part, not counted. */
extern uint8_t ram[256];
extern const libdelta_key radio;

void stub_main(void);
void stub_main(void) {
  const libdelta_crypto crypto = libdelta_bearssl_crypto(&config);
  crypto.sha256_init(crypto.user);
  crypto.sha256_update(crypto.user, ram, sizeof(ram));
  crypto.sha256_final(crypto.user, ram);
  ram[0] = (uint8_t)VERIFY(NULL, &radio, ram, 56, ram + 64);
}
