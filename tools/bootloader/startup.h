/* What is around main(): the vector table, resets, and the way into an application. */
#ifndef TOOLS_BOOTLOADER_STARTUP_H_
#define TOOLS_BOOTLOADER_STARTUP_H_

#include <stdint.h>

/* Starts the application whose vector table is at `vectors`. Its interrupts are forwarded from then on. */
void startup_boot(const uint32_t *vectors) __attribute__((noreturn));

#endif /* TOOLS_BOOTLOADER_STARTUP_H_ */
