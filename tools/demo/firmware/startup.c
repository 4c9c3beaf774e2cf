#include "firmware.h"

extern uint32_t stack_top;
extern uint32_t data_start;
extern uint32_t data_end;
extern const uint32_t data_load;
extern uint32_t bss_start;
extern uint32_t bss_end;

void reset_handler(void);
void fault_handler(void);
void uart_handler(void);

void *memcpy(void *target, const void *source, size_t size);
void *memset(void *target, int value, size_t size);

void *memcpy(void *target, const void *source, size_t size) {
  uint8_t *to = target;
  const uint8_t *from = source;
  while (size-- > 0) *to++ = *from++;
  return target;
}

void *memset(void *target, int value, size_t size) {
  uint8_t *to = target;
  while (size-- > 0) *to++ = (uint8_t)value;
  return target;
}

void reset_handler(void) {
  const uint32_t *from = &data_load;
  for (uint32_t *to = &data_start; to < &data_end; to++) *to = *from++;
  for (uint32_t *to = &bss_start; to < &bss_end; to++) *to = 0;
  main();
  fault_handler();
}

void fault_handler(void) {
  for (;;) {
    /* The watchdog is not fed any more and resets the node. */
  }
}

void uart_handler(void) {
  while (UART_STATUS & 1) console_receive((uint8_t)UART_DATA);
}

typedef void (*handler)(void);

__attribute__((section(".vectors"), used)) static const struct {
  uint32_t *stack;
  handler handlers[20];
} vectors = {&stack_top,
             {reset_handler,
              fault_handler,
              fault_handler,
              fault_handler,
              fault_handler,
              fault_handler,
              0,
              0,
              0,
              0,
              fault_handler,
              fault_handler,
              0,
              fault_handler,
              clock_tick,
              fault_handler,
              fault_handler,
              uart_handler,
              fault_handler,
              fault_handler}};
