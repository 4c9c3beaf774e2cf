#include "firmware.h"

static uint32_t table[256];
static int table_ready;

static void make_table(void) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; bit++) value = (value >> 1) ^ ((value & 1) ? 0xedb88320u : 0);
    table[i] = value;
  }
  table_ready = 1;
}

uint32_t checksum_crc32(const uint8_t *data, size_t size) {
  uint32_t crc = 0xffffffffu;
  if (!table_ready) make_table();
  while (size-- > 0) crc = (crc >> 8) ^ table[(crc ^ *data++) & 0xff];
  return ~crc;
}

uint16_t checksum_crc16(const uint8_t *data, size_t size) {
  uint32_t crc = 0xffff;
  while (size-- > 0) {
    crc ^= (uint32_t)*data++ << 8;
    for (int bit = 0; bit < 8; bit++) crc = (crc << 1) ^ ((crc & 0x8000) ? 0x1021 : 0);
  }
  return (uint16_t)crc;
}
