#include "firmware.h"

static uint32_t rotate(uint32_t value, unsigned count) { return value << count | value >> (32 - count); }

static void quarter_round(uint32_t *x, unsigned a, unsigned b, unsigned c, unsigned d) {
  x[a] += x[b];
  x[d] = rotate(x[d] ^ x[a], 16);
  x[c] += x[d];
  x[b] = rotate(x[b] ^ x[c], 12);
  x[a] += x[b];
  x[d] = rotate(x[d] ^ x[a], 8);
  x[c] += x[d];
  x[b] = rotate(x[b] ^ x[c], 7);
}

static void make_block(const uint32_t state[16], uint32_t block[16]) {
  for (unsigned i = 0; i < 16; i++) block[i] = state[i];
  for (unsigned round = 0; round < 10; round++) {
    quarter_round(block, 0, 4, 8, 12);
    quarter_round(block, 1, 5, 9, 13);
    quarter_round(block, 2, 6, 10, 14);
    quarter_round(block, 3, 7, 11, 15);
    quarter_round(block, 0, 5, 10, 15);
    quarter_round(block, 1, 6, 11, 12);
    quarter_round(block, 2, 7, 8, 13);
    quarter_round(block, 3, 4, 9, 14);
  }
  for (unsigned i = 0; i < 16; i++) block[i] += state[i];
}

void cipher_apply(const uint32_t key[8], const uint32_t nonce[3], uint8_t *data, size_t size) {
  uint32_t state[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  uint32_t block[16];
  for (unsigned i = 0; i < 8; i++) state[4 + i] = key[i];
  for (unsigned i = 0; i < 3; i++) state[13 + i] = nonce[i];
  for (size_t i = 0; i < size; i++) {
    if (i % 64 == 0) {
      make_block(state, block);
      state[12]++;
    }
    data[i] ^= (uint8_t)(block[i % 64 / 4] >> 8 * (i % 4));
  }
}
