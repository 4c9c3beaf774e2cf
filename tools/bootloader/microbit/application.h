/* The demo's sensor node (tools/demo/firmware) on a BBC micro:bit: UART and LED are the board's; sensor and
 * radio are made up. Included by firmware.h in place of its imaginary registers. */
#ifndef TOOLS_BOOTLOADER_MICROBIT_APPLICATION_H_
#define TOOLS_BOOTLOADER_MICROBIT_APPLICATION_H_

#include <stdint.h>

/* Bit 1: the next byte may be sent. */
uint32_t board_uart_status(void);
uint32_t board_sample(uint32_t channel);

/* Brightness of the LED, 0 .. 65535. */
extern volatile uint32_t board_led;
/* Written to and not looked at. */
extern volatile uint32_t board_radio[2];
extern volatile uint32_t board_watchdog;

#define UART_DATA (*(volatile uint32_t *)0x4000251cu)
#define UART_STATUS board_uart_status()
#define ADC_DATA(channel) board_sample(channel)
#define PWM_DUTY board_led
#define RADIO_FIFO board_radio[0]
#define RADIO_CONTROL board_radio[1]
#define WATCHDOG_FEED board_watchdog

#endif /* TOOLS_BOOTLOADER_MICROBIT_APPLICATION_H_ */
