/* Registers of QEMU's RISC-V machine "virt", for bootloader and application. */
#ifndef TOOLS_BOOTLOADER_RISCV_REGISTERS_H_
#define TOOLS_BOOTLOADER_RISCV_REGISTERS_H_

#include <stdint.h>

/* NS16550A: data, FIFO control, line control, divisor latch, line status. */
#define UART_REGISTER(number) (*(volatile uint8_t *)(0x10000000u + (number)))
#define UART_DATA UART_REGISTER(0)
#define UART_DIVISOR_HIGH UART_REGISTER(1)
#define UART_FIFO_CONTROL UART_REGISTER(2)
#define UART_LINE_CONTROL UART_REGISTER(3)
#define UART_LINE_STATUS UART_REGISTER(5)
enum { UART_RECEIVED = 1, UART_MAY_SEND = 0x20 };

/* CLINT: a clock of 10 MHz, and what it is compared with for the timer interrupt. */
#define CLOCK_LOW (*(volatile uint32_t *)0x0200bff8u)
#define CLOCK_HIGH (*(volatile uint32_t *)0x0200bffcu)
#define CLOCK_COMPARE_LOW (*(volatile uint32_t *)0x02004000u)
#define CLOCK_COMPARE_HIGH (*(volatile uint32_t *)0x02004004u)
enum { CLOCK_TICKS_PER_MILLISECOND = 10000 };

/* SiFive test device: writing this number restarts the machine. */
#define MACHINE_CONTROL (*(volatile uint32_t *)0x00100000u)
enum { MACHINE_RESTART = 0x7777 };

#endif /* TOOLS_BOOTLOADER_RISCV_REGISTERS_H_ */
