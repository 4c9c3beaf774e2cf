#include "firmware.h"

#define RING_SIZE (FIRMWARE_VERSION >= 2 ? 256u : 128u)

static struct {
  volatile uint32_t head;
  uint32_t tail;
  uint32_t lost;
  uint8_t bytes[RING_SIZE];
} ring;

static char pending[96];
static size_t pending_length;

void console_init(void) {
  ring.head = 0;
  ring.tail = 0;
  ring.lost = 0;
  pending_length = 0;
}

static void put_character(char character) {
  uint32_t patience = 100000;
  while ((UART_STATUS & 2) == 0 && patience > 0) patience--;
  UART_DATA = (uint32_t)(uint8_t)character;
}

void console_put(const char *text) {
  for (; *text != 0; text++) {
    if (*text == '\n') put_character('\r');
    put_character(*text);
  }
}

void console_print(const char *format, int32_t a, int32_t b, int32_t c) {
  char line[128];
  const int32_t values[3] = {a, b, c};
  text_format(line, sizeof(line), format, values, 3);
  console_put(line);
}

/* From the interrupt handler. */
void console_receive(uint8_t byte) {
  const uint32_t next = (ring.head + 1) % RING_SIZE;
  if (next == ring.tail) {
    ring.lost++;
    return;
  }
  ring.bytes[ring.head] = byte;
  ring.head = next;
}

int console_read_line(char *line, size_t size) {
  while (ring.tail != ring.head) {
    const char character = (char)ring.bytes[ring.tail];
    ring.tail = (ring.tail + 1) % RING_SIZE;
    if (character == '\r' || character == '\n') {
      if (pending_length == 0) continue;
      size_t length = pending_length < size ? pending_length : size - 1;
      for (size_t i = 0; i < length; i++) line[i] = pending[i];
      line[length] = 0;
      pending_length = 0;
      return 1;
    }
#if FIRMWARE_VERSION >= 2
    if (character == 0x08 || character == 0x7f) {
      if (pending_length > 0) {
        pending_length--;
        console_put("\b \b");
      }
      continue;
    }
    put_character(character);
#endif
    if (pending_length < sizeof(pending)) pending[pending_length++] = character;
  }
  return 0;
}
