#include "tools/bootloader/board.h"

#include "layout.h"
#include "libdelta/ports/nrf51.h"
#include "tools/bootloader/counter.h"

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
static const libdelta_nrf51_area writable = {LAYOUT_SLOT, LAYOUT_END};
static const libdelta_page_run slot_pages = {LAYOUT_SLOT_PAGES, LAYOUT_PAGE};
static const libdelta_range settings = {LAYOUT_SETTINGS - LAYOUT_SLOT, LAYOUT_PAGE};

const libdelta_flash board_flash = {
    .user = (void *)&writable,
    .read = libdelta_nrf51_read,
    .program = libdelta_nrf51_program,
    .erase = libdelta_nrf51_erase,
    .commit_counter = counter_commit,
    .runs = &slot_pages,
    .run_count = 1,
    .spare_count = LAYOUT_SPARE_PAGES,
    .write_unit = LIBDELTA_NRF51_UNIT,
    .erase_value = 0xff,
    .slot = LAYOUT_SLOT,
    .spare = LAYOUT_SPARE,
    .spare_page_size = LIBDELTA_NRF51_PAGE,
    .protected_ranges = &settings,
    .protected_count = 1,
};

enum { TICKS_PER_MILLISECOND = 31 }; /* 16 MHz / 2^9. */
void board_start(void) {
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

void board_stop(void) {
  TIMER_STOP = 1;
  TIMER_CLEAR = 1;
  TIMER_VALUE = 0;
  UART_ENABLE = 0;
}

void board_put(uint8_t byte) {
  UART_TXDRDY = 0;
  UART_TXD = byte;
  while (UART_TXDRDY == 0) {
  }
}

int board_get(uint32_t milliseconds) {
  TIMER_CLEAR = 1;
  while (UART_RXDRDY == 0) {
    TIMER_CAPTURE = 1;
    if (TIMER_VALUE > milliseconds * TICKS_PER_MILLISECOND) return -1;
  }
  UART_RXDRDY = 0; /* First this, then the byte: the next one may set it again at once. */
  return (uint8_t)UART_RXD;
}
