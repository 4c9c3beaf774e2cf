#include "tools/bootloader/board.h"

#include "layout.h"
#include "libdelta/ports/cfi_nor.h"
#include "registers.h"
#include "tools/bootloader/counter.h"

static const libdelta_cfi_nor nor = {LAYOUT_SLOT, LAYOUT_END, LAYOUT_PAGE, 0x00010001};
static const libdelta_page_run slot_pages = {LAYOUT_SLOT_PAGES, LAYOUT_PAGE};
static const libdelta_range settings = {LAYOUT_SETTINGS - LAYOUT_SLOT, LAYOUT_PAGE};

const libdelta_flash board_flash = {
    .user = (void *)&nor,
    .read = libdelta_cfi_nor_read,
    .program = libdelta_cfi_nor_program,
    .erase = libdelta_cfi_nor_erase,
    .commit_counter = counter_commit,
    .runs = &slot_pages,
    .run_count = 1,
    .spare_count = LAYOUT_SPARE_PAGES,
    .write_unit = LIBDELTA_CFI_NOR_UNIT,
    .erase_value = 0xff,
    .slot = LAYOUT_SLOT,
    .spare = LAYOUT_SPARE,
    .spare_page_size = LAYOUT_PAGE,
    .protected_ranges = &settings,
    .protected_count = 1,
};

/* Drops what has come. QEMU offers what comes next only after a byte was read: one that came before the FIFO
 * was emptied would have been the last one ever. */
static void set_fifo(uint8_t control) {
  UART_FIFO_CONTROL = control;
  (void)UART_DATA;
}

void board_start(void) {
  UART_LINE_CONTROL = 0x80; /* The divisor: 3.6864 MHz / 16 / 2 is 115200. */
  UART_DATA = 2;
  UART_DIVISOR_HIGH = 0;
  UART_LINE_CONTROL = 3; /* 8 data bits. */
  set_fifo(0x07);        /* On, and empty. */
}

void board_stop(void) { set_fifo(0); }

void board_put(uint8_t byte) {
  while ((UART_LINE_STATUS & UART_MAY_SEND) == 0) {
  }
  UART_DATA = byte;
}

int board_get(uint32_t milliseconds) {
  const uint32_t begin = CLOCK_LOW;
  while ((UART_LINE_STATUS & UART_RECEIVED) == 0) {
    if (CLOCK_LOW - begin > milliseconds * CLOCK_TICKS_PER_MILLISECOND) return -1;
  }
  return UART_DATA;
}
