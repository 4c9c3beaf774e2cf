#include "serial.h"

/* nRF51 Series Reference Manual: CLOCK, GPIO, UART, TIMER. */
#define REGISTER(address) (*(volatile uint32_t *)(address))
#define HFCLK_START REGISTER(0x40000000)
#define HFCLK_STARTED REGISTER(0x40000100)
#define GPIO_OUTSET REGISTER(0x50000508)
#define GPIO_DIRSET REGISTER(0x50000518)
#define UART_STARTRX REGISTER(0x40002000)
#define UART_STARTTX REGISTER(0x40002008)
#define UART_RXDRDY REGISTER(0x40002108)
#define UART_TXDRDY REGISTER(0x4000211c)
#define UART_ENABLE REGISTER(0x40002500)
#define UART_PSELTXD REGISTER(0x4000250c)
#define UART_PSELRXD REGISTER(0x40002514)
#define UART_RXD REGISTER(0x40002518)
#define UART_TXD REGISTER(0x4000251c)
#define UART_BAUDRATE REGISTER(0x40002524)
#define TIMER_START REGISTER(0x40008000)
#define TIMER_STOP REGISTER(0x40008004)
#define TIMER_CLEAR REGISTER(0x4000800c)
#define TIMER_CAPTURE REGISTER(0x40008040)
#define TIMER_BITMODE REGISTER(0x40008508)
#define TIMER_PRESCALER REGISTER(0x40008510)
#define TIMER_VALUE REGISTER(0x40008540)

enum { PIN_TXD = 24, PIN_RXD = 25 }; /* Of the BBC micro:bit. */
enum { STX = 0x02, ANOTHER_PATCH = 0xffff };
enum { TICKS_PER_MILLISECOND = 31 }; /* 16 MHz / 2^9. */
enum {
  PART_TIMEOUT = 250, /* Milliseconds between two bytes of a part, */
  SILENCE = 20        /* and between two things that are said. */
};

void serial_start(void) {
  HFCLK_STARTED = 0;
  HFCLK_START = 1; /* The crystal: the RC oscillator is not good enough for a UART. */
  while (HFCLK_STARTED == 0) {
  }
  GPIO_OUTSET = 1u << PIN_TXD;
  GPIO_DIRSET = 1u << PIN_TXD;
  UART_PSELTXD = PIN_TXD;
  UART_PSELRXD = PIN_RXD;
  UART_BAUDRATE = 0x01d7e000; /* 115200 */
  UART_ENABLE = 4;
  UART_RXDRDY = 0;
  UART_STARTTX = 1;
  UART_STARTRX = 1;
  TIMER_BITMODE = 3; /* 32 bits. */
  TIMER_PRESCALER = 9;
  TIMER_START = 1;
}

void serial_stop(void) {
  TIMER_STOP = 1;
  TIMER_CLEAR = 1;
  TIMER_VALUE = 0;
  UART_ENABLE = 0;
}

static void put(char character) {
  UART_TXDRDY = 0;
  UART_TXD = (uint8_t)character;
  while (UART_TXDRDY == 0) {
  }
}

static void put_text(const char *text) {
  while (*text != 0) put(*text++);
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

/* The next byte, or -1 if none comes in time. */
static int get(uint32_t milliseconds) {
  TIMER_CLEAR = 1;
  while (UART_RXDRDY == 0) {
    TIMER_CAPTURE = 1;
    if (TIMER_VALUE > milliseconds * TICKS_PER_MILLISECOND) return -1;
  }
  UART_RXDRDY = 0; /* First this, then the byte: the next one may set it again at once. */
  return (uint8_t)UART_RXD;
}

/* Reads bytes into `data`, if that is not null, and their CRC; -1 if one does not come. */
static int get_bytes(uint8_t *data, uint32_t count, uint32_t *crc) {
  for (; count > 0; count--) {
    const int byte = get(PART_TIMEOUT);
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
  while (get(SILENCE) >= 0) {
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
    int byte = get(milliseconds);
    while (byte == STX && get_part(&part_offset, part, length) == 0) {
      if (*length == ANOTHER_PATCH) return SERIAL_RESTART;
      if (part_offset == offset) return SERIAL_BYTES;
      byte = get(milliseconds);
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
