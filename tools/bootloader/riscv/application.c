/* What the demo's firmware needs of the machine, and the one thing that an application does for updates: it
 * restarts the machine when a host says ENQ. A table of noise gives the image a size that is not tiny. */
#include "application.h"

#include <string.h>

#include "firmware.h"
#include "layout.h"

enum { ENQ = 5, NOISE_WORDS = 30000 };

extern uint8_t data_start[];
extern uint8_t data_end[];
extern const uint8_t data_load[];
extern uint8_t bss_start[];
extern uint8_t bss_end[];
extern const uint32_t noise[NOISE_WORDS];

void start(void);

volatile uint32_t board_led;
volatile uint32_t board_radio[2];
volatile uint32_t board_watchdog;

__asm__(
    ".section .reset, \"ax\"\n"
    ".globl reset\n"
    ".option push\n"
    ".option norvc\n" /* The bootloader knows an application by this jump. */
    "reset:\n"
    "  j begin\n"
    ".option pop\n"
    "begin:\n"
    "  la sp, stack_top\n"
    "  j start\n"
    ".section .rodata.noise, \"a\"\n"
    ".balign 4\n"
    "noise:\n"
    ".set value, 1\n"
    ".rept 30000\n"
    ".set value, (value * 1103515245 + 12345) & 0xffffffff\n"
    ".word value\n"
    ".endr\n"
    ".text\n");

uint32_t board_sample(uint32_t channel) {
  return 1800 + 100 * channel + (noise[(clock_milliseconds / 64) % NOISE_WORDS] >> 26);
}

/* Every millisecond: the clock, and whatever the UART has got in the meantime. */
__attribute__((interrupt("machine"), aligned(4))) static void timer_handler(void) {
  const uint32_t next = CLOCK_COMPARE_LOW + CLOCK_TICKS_PER_MILLISECOND;
  if (next < CLOCK_COMPARE_LOW) CLOCK_COMPARE_HIGH++;
  CLOCK_COMPARE_LOW = next;
  clock_tick();
  while ((UART_LINE_STATUS & UART_RECEIVED) != 0) {
    const uint8_t byte = UART_DATA;
    if (byte == ENQ) {
      console_put("restarting\n");
      MACHINE_CONTROL = MACHINE_RESTART;
    }
    console_receive(byte);
  }
}

static void start_machine(void) {
  UART_FIFO_CONTROL = 0x07;
  CLOCK_COMPARE_HIGH = CLOCK_HIGH;
  CLOCK_COMPARE_LOW = CLOCK_LOW + CLOCK_TICKS_PER_MILLISECOND;
  __asm__ volatile(
      "csrw mtvec, %0\n\t"
      "csrs mie, %1\n\t" /* Timer. */
      "csrsi mstatus, 8" /* Interrupts at all. */
      :
      : "r"(timer_handler), "r"(0x80));
}

/* The settings block is the device's own; updates leave it alone. */
static void print_settings(void) {
  const char *settings = (const char *)(uintptr_t)LAYOUT_SETTINGS;
  char name[32];
  size_t length = 0;
  while (length + 1 < sizeof(name) && settings[length] > ' ' && settings[length] <= '~') {
    name[length] = settings[length];
    length++;
  }
  name[length] = 0;
  console_put("name ");
  console_put(name);
  console_put("\n");
}

void start(void) {
  memcpy(data_start, data_load, (size_t)(data_end - data_start));
  memset(bss_start, 0, (size_t)(bss_end - bss_start));
  start_machine();
  print_settings();
  main();
}
