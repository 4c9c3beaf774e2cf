/* What the demo's firmware needs of a BBC micro:bit, and the two things that an application does for updates:
 * it leaves the first 8 bytes of RAM alone (nrf51_application.ld), and restarts the device when a host says
 * ENQ. */
#include "application.h"

#include "firmware.h"
#include "layout.h"

/* nRF51 Series Reference Manual: GPIO, UART, TIMER; Cortex-M0: NVIC, SCB. */
#define REGISTER(address) (*(volatile uint32_t *)(address))
#define GPIO_OUTSET REGISTER(0x50000508)
#define GPIO_OUTCLR REGISTER(0x5000050c)
#define GPIO_DIRSET REGISTER(0x50000518)
#define UART_STARTRX REGISTER(0x40002000)
#define UART_STARTTX REGISTER(0x40002008)
#define UART_RXDRDY REGISTER(0x40002108)
#define UART_TXDRDY REGISTER(0x4000211c)
#define UART_INTENSET REGISTER(0x40002304)
#define UART_ENABLE REGISTER(0x40002500)
#define UART_PSELTXD REGISTER(0x4000250c)
#define UART_PSELRXD REGISTER(0x40002514)
#define UART_RXD REGISTER(0x40002518)
#define UART_BAUDRATE REGISTER(0x40002524)
#define TIMER_START REGISTER(0x40008000)
#define TIMER_COMPARE REGISTER(0x40008140)
#define TIMER_SHORTS REGISTER(0x40008200)
#define TIMER_INTENSET REGISTER(0x40008304)
#define TIMER_PRESCALER REGISTER(0x40008510)
#define TIMER_CC REGISTER(0x40008540)
#define NVIC_ISER REGISTER(0xe000e100)
#define AIRCR REGISTER(0xe000ed0c)

enum { PIN_TXD = 24, PIN_RXD = 25, PIN_LED_ROW = 13, PIN_LED_COLUMN = 4 };
enum { UART_INTERRUPT = 2, TIMER_INTERRUPT = 8 };
enum { ENQ = 5 };

extern uint32_t stack_top;
extern uint32_t data_start;
extern uint32_t data_end;
extern const uint32_t data_load;
extern uint32_t bss_start;
extern uint32_t bss_end;

void reset_handler(void);

volatile uint32_t board_led;
volatile uint32_t board_radio[2];
volatile uint32_t board_watchdog;

uint32_t board_uart_status(void) {
  static int is_sending;
  if (is_sending && UART_TXDRDY == 0) return 0;
  UART_TXDRDY = 0;
  is_sending = 1;
  return 2;
}

uint32_t board_sample(uint32_t channel) { return 1800 + 100 * channel + clock_milliseconds / 64 % 64; }

/* Every millisecond: the clock, and the LED by pulses of 1 .. 16 ms. */
static void timer_handler(void) {
  TIMER_COMPARE = 0;
  clock_tick();
  if ((clock_milliseconds % 16) << 12 < board_led) {
    GPIO_OUTSET = 1u << PIN_LED_ROW;
  } else {
    GPIO_OUTCLR = 1u << PIN_LED_ROW;
  }
}

static void uart_handler(void) {
  while (UART_RXDRDY != 0) {
    UART_RXDRDY = 0;
    const uint8_t byte = (uint8_t)UART_RXD;
    if (byte == ENQ) {
      console_put("restarting\n");
      AIRCR = 0x05fa0004;
    }
    console_receive(byte);
  }
}

static void fault_handler(void) {
  for (;;) {
  }
}

static void start_board(void) {
  GPIO_OUTSET = 1u << PIN_TXD;
  GPIO_OUTCLR = 1u << PIN_LED_COLUMN;
  GPIO_DIRSET = 1u << PIN_TXD | 1u << PIN_LED_ROW | 1u << PIN_LED_COLUMN;
  UART_PSELTXD = PIN_TXD;
  UART_PSELRXD = PIN_RXD;
  UART_BAUDRATE = 0x01d7e000; /* 115200 */
  UART_ENABLE = 4;
  UART_STARTTX = 1;
  UART_STARTRX = 1;
  UART_INTENSET = 1u << 2; /* RXDRDY */
  TIMER_PRESCALER = 4;     /* 1 MHz */
  TIMER_CC = 1000;
  TIMER_SHORTS = 1;          /* Clear on compare. */
  TIMER_INTENSET = 1u << 16; /* COMPARE0 */
  NVIC_ISER = 1u << UART_INTERRUPT | 1u << TIMER_INTERRUPT;
  TIMER_START = 1;
}

/* The settings page is the device's own; updates leave it alone. */
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

void reset_handler(void) {
  const uint32_t *from = &data_load;
  for (uint32_t *to = &data_start; to < &data_end; to++) *to = *from++;
  for (uint32_t *to = &bss_start; to < &bss_end; to++) *to = 0;
  start_board();
  print_settings();
  main();
  fault_handler();
}

typedef void (*handler)(void);

#define FAULT fault_handler
__attribute__((section(".vectors"), used)) static const struct {
  uint32_t *stack;
  handler exceptions[15];
  handler interrupts[32];
} vectors = {&stack_top,
             {reset_handler, FAULT, FAULT, FAULT, FAULT, FAULT, FAULT, FAULT, FAULT, FAULT, FAULT, FAULT,
              FAULT, FAULT, FAULT},
             {FAULT, FAULT, uart_handler, FAULT, FAULT, FAULT, FAULT, FAULT, timer_handler}};
