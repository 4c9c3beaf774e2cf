#include "serial.h"

#include "board.h"

enum { STX = 0x02, ANOTHER_PATCH = 0xffff };
enum {
  PART_TIMEOUT = 250, /* Milliseconds between two bytes of a part. */
  /* After anything else. Longer than any pause in the midst of a part: to take its rest for another thing
   * that was said means to ask once more, and what is not wanted any more piles up. */
  SILENCE = 100
};

static void put_text(const char *text) {
  while (*text != 0) board_put((uint8_t)*text++);
}

static void put_number(uint32_t number) {
  char digits[11];
  char *digit = digits + sizeof(digits) - 1;
  *digit = 0;
  do {
    *--digit = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  put_text(digit);
}

/* Reads bytes into `data`, if that is not null, and their CRC; -1 if one does not come. */
static int get_bytes(uint8_t *data, uint32_t count, uint32_t *crc) {
  for (; count > 0; count--) {
    const int byte = board_get(PART_TIMEOUT);
    if (byte < 0) return -1;
    *data++ = (uint8_t)byte;
    *crc ^= (uint8_t)byte;
    for (unsigned bit = 0; bit < 8; bit++) *crc = *crc >> 1 ^ (0xedb88320u & (0u - (*crc & 1)));
  }
  return 0;
}

static uint32_t little_endian(const uint8_t *bytes, unsigned count) {
  uint32_t number = 0;
  while (count > 0) number = number << 8 | bytes[--count];
  return number;
}

/* What follows STX. Returns 0 for a part that came whole. */
static int get_part(uint32_t *offset, uint8_t part[SERIAL_PART], uint32_t *length) {
  uint8_t head[6];
  uint8_t check[4];
  uint32_t crc = 0xffffffffu;
  uint32_t unused = 0;
  if (get_bytes(head, sizeof(head), &crc) != 0) return -1;
  *offset = little_endian(head, 4);
  *length = little_endian(head + 4, 2);
  if (*length <= SERIAL_PART) {
    if (get_bytes(part, *length, &crc) != 0) return -1;
  } else if (*length != ANOTHER_PATCH) {
    return -1;
  }
  if (get_bytes(check, sizeof(check), &unused) != 0) return -1;
  return little_endian(check, 4) == ~crc ? 0 : -1;
}

void serial_wait_for_silence(void) {
  while (board_get(SILENCE) >= 0) {
  }
}

serial_answer serial_ask(uint32_t offset, uint32_t milliseconds, uint8_t part[SERIAL_PART],
                         uint32_t *length) {
  for (;;) {
    uint32_t part_offset = 0;
    put_text("fwd want ");
    put_number(offset);
    put_text(" ");
    put_number(SERIAL_PART);
    put_text("\n");
    int byte = board_get(milliseconds);
    while (byte == STX && get_part(&part_offset, part, length) == 0) {
      if (*length == ANOTHER_PATCH) return SERIAL_RESTART;
      if (part_offset == offset) return SERIAL_BYTES;
      byte = board_get(milliseconds);
    }
    if (byte < 0) return SERIAL_SILENCE;
    serial_wait_for_silence();
  }
}

void serial_end(uint32_t status) {
  put_text("fwd end ");
  put_number(status);
  put_text("\n");
}
