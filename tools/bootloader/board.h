/* What the bootloader needs of a board: microbit/ and riscv/ are two, each with the places in its flash in
 * layout.h. */
#ifndef TOOLS_BOOTLOADER_BOARD_H_
#define TOOLS_BOOTLOADER_BOARD_H_

#include <stdint.h>

#include "libdelta/device.h"

/* The slot, its pages and how to write them. Its commit_counter is that of counter.h. */
extern const libdelta_flash board_flash;

/* The serial line and a clock; and both as after a reset again. */
void board_start(void);
void board_stop(void);

void board_put(uint8_t byte);

/* The next byte from the line, or -1 if none comes in time. */
int board_get(uint32_t milliseconds);

/* Whether the slot begins as an application does. */
int board_has_application(void);

/* Starts the application in the slot. */
void board_boot(void) __attribute__((noreturn));

#endif /* TOOLS_BOOTLOADER_BOARD_H_ */
