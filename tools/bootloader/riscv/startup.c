/* What is around main(): the reset, and the way into an application. */
#include <stddef.h>
#include <string.h>

#include "layout.h"
#include "tools/bootloader/board.h"

extern uint8_t data_start[];
extern uint8_t data_end[];
extern const uint8_t data_load[];
extern uint8_t bss_start[];
extern uint8_t bss_end[];

int main(void);
void start(void);

/* The flash's first word is the first instruction after a reset. There are no interrupts; after an exception
 * there is nothing to do but to begin again. */
__asm__(
    ".section .reset, \"ax\"\n"
    ".globl reset\n"
    "reset:\n"
    "  la sp, stack_top\n"
    "  la t0, reset\n"
    "  csrw mtvec, t0\n"
    "  j start\n"
    ".text\n");

void start(void) {
  memcpy(data_start, data_load, (size_t)(data_end - data_start));
  memset(bss_start, 0, (size_t)(bss_end - bss_start));
  __asm__ volatile("fence.i"); /* Some of the data are instructions. */
  main();
}

/* Its first instruction is a jump (JAL without a link). */
int board_has_application(void) { return (*(const volatile uint32_t *)LAYOUT_SLOT & 0xfff) == 0x06f; }

void board_boot(void) {
  __asm__ volatile("fence.i\n\tjr %0" : : "r"(LAYOUT_SLOT) : "memory");
  __builtin_unreachable();
}
