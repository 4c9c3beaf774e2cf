/* The demo's sensor node (tools/demo/firmware) on QEMU's RISC-V machine "virt": the UART is the machine's;
 * sensor, LED and radio are made up. Included by firmware.h in place of its imaginary registers. */
#ifndef TOOLS_BOOTLOADER_RISCV_APPLICATION_H_
#define TOOLS_BOOTLOADER_RISCV_APPLICATION_H_

#include "registers.h"

uint32_t board_sample(uint32_t channel);

/* Written to and not looked at. */
extern volatile uint32_t board_led;
extern volatile uint32_t board_radio[2];
extern volatile uint32_t board_watchdog;

/* Bit 1: the next byte may be sent. */
#define UART_STATUS ((UART_LINE_STATUS & UART_MAY_SEND) != 0 ? 2u : 0u)
#define ADC_DATA(channel) board_sample(channel)
#define PWM_DUTY board_led
#define RADIO_FIFO board_radio[0]
#define RADIO_CONTROL board_radio[1]
#define WATCHDOG_FEED board_watchdog

#endif /* TOOLS_BOOTLOADER_RISCV_APPLICATION_H_ */
