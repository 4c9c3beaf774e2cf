/* What is around main(): the vector table, resets, and the way into an application. */
#include <stddef.h>
#include <stdint.h>

#include <string.h>
#include "layout.h"
#include "tools/bootloader/board.h"

extern uint32_t stack_top;
extern uint32_t data_start;
extern uint32_t data_end;
extern const uint32_t data_load;
extern uint32_t bss_start;
extern uint32_t bss_end;

int main(void);
void reset_handler(void);

typedef void (*handler)(void);

/* At the start of RAM, where applications leave it alone (nrf51_application.ld). A Cortex-M0 has no register
 * for the place of the vector table, so every exception comes here, and goes on through this word. */
__attribute__((section(".shared"))) static const handler *volatile application;

/* The bootloader has no interrupts; a fault while it runs leaves nothing to do but to begin again. To return
 * from here ends the exception: gcc keeps lr, which says how, on the stack. */
static void forward(void) {
  uint32_t number;
  __asm__ volatile("mrs %0, ipsr" : "=r"(number));
  if (application == NULL) {
    *(volatile uint32_t *)0xe000ed0cu = 0x05fa0004; /* AIRCR: SYSRESETREQ */
    for (;;) {
    }
  }
  application[number]();
}

#define FOUR forward, forward, forward, forward
__attribute__((section(".vectors"), used)) static const struct {
  uint32_t *stack;
  handler handlers[47]; /* 15 exceptions, 32 interrupts. */
} vectors = {
    &stack_top,
    {reset_handler, forward, forward, FOUR, FOUR, FOUR, FOUR, FOUR, FOUR, FOUR, FOUR, FOUR, FOUR, FOUR}};

void reset_handler(void) {
  application = NULL;
  memcpy(&data_start, &data_load, (size_t)((uint8_t *)&data_end - (uint8_t *)&data_start));
  memset(&bss_start, 0, (size_t)((uint8_t *)&bss_end - (uint8_t *)&bss_start));
  main();
}

/* A stack in RAM and an entry in the slot. */
int board_has_application(void) {
  const uint32_t *vectors_in_slot = (const uint32_t *)LAYOUT_SLOT;
  return vectors_in_slot[0] > LAYOUT_RAM && vectors_in_slot[0] <= LAYOUT_RAM_END &&
         vectors_in_slot[0] % 4 == 0 && vectors_in_slot[1] > LAYOUT_SLOT &&
         vectors_in_slot[1] < LAYOUT_SETTINGS && vectors_in_slot[1] % 2 == 1;
}

/* Its interrupts are forwarded from then on. */
void board_boot(void) {
  const uint32_t *vectors_in_slot = (const uint32_t *)LAYOUT_SLOT;
  const uint32_t stack = vectors_in_slot[0];
  const uint32_t entry = vectors_in_slot[1];
  application = (const handler *)vectors_in_slot;
  __asm__ volatile("msr msp, %0\n\tbx %1" : : "r"(stack), "r"(entry) : "memory");
  __builtin_unreachable();
}
